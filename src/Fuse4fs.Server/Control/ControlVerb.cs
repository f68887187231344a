namespace Fuse4fs.Server.Control;

/// <summary>What a server can be asked for over its socket.</summary>
public enum ControlVerb
{
    None,
    Status,
    ShutDown,

    /// <summary>To be the one who may freeze, until the connection ends: then have the kernel write back, then
    /// <see cref="Freeze"/>.</summary>
    Prepare,

    /// <summary>Until <see cref="Thaw"/>, the connection's end, or the time is over.</summary>
    Freeze,

    /// <summary>The time of the connection's own freeze begins anew.</summary>
    Renew,

    /// <summary>The connection's own freeze outlives it.</summary>
    Keep,

    /// <summary>Ends the connection's own freeze; where it has begun none, whatever freeze there is.</summary>
    Thaw,
}
