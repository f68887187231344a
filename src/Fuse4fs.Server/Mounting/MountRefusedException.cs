namespace Fuse4fs.Server.Mounting;

/// <summary>The mount cannot be made; the message is one sentence for the person who asked.</summary>
public sealed class MountRefusedException : Exception
{
    public MountRefusedException(string message) : base(message)
    {
    }

    public MountRefusedException(string message, Exception cause) : base(message, cause)
    {
    }
}
