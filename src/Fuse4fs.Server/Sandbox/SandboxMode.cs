namespace Fuse4fs.Server.Sandbox;

/// <summary>How much a server gives up once its mount is ready.</summary>
public enum SandboxMode
{
    /// <summary>All that serving does not need, as far as this machine can; where it cannot the log says so.</summary>
    Default,

    /// <summary>All of it, or there is no mount; only the program's own files can be opened, and dangerous calls end the
    /// process.</summary>
    Strict,

    /// <summary>Nothing.</summary>
    Off,
}
