namespace Fuse4fs.KernelTwin.Transport;

/// <summary>How far a connection has come.</summary>
internal enum ConnectionState
{
    Unmounted,
    Initializing,
    Configuring,
    Ready,

    /// <summary>CONFIG failed after an asynchronous mount.</summary>
    Refused,
    Ended,
}
