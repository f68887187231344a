namespace Fuse4fs.Inspecting;

/// <summary>An inspecting command cannot do what it was asked; the message is one sentence for the person.</summary>
internal sealed class InspectionException : Exception
{
    public InspectionException(string message) : base(message)
    {
    }

    public InspectionException(string message, Exception cause) : base(message, cause)
    {
    }
}
