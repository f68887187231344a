namespace Fuse4fs.Server.Control;

/// <summary>What a server can be asked for over its socket.</summary>
public enum ControlVerb
{
    None,
    Status,
    ShutDown,
}
