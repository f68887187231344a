namespace Fuse4fs.KernelTwin.Transport;

/// <summary>A server under test.</summary>
public interface ITwinServer : IDisposable
{
    /// <summary>Called before the mount with the unmounted device. A server with threads of its own starts them.</summary>
    void Start(IFuseDevice device);

    /// <summary>Whether PumpOne serves the requests; false: the server's own threads do.</summary>
    bool IsPumped { get; }

    /// <summary>Reads and handles the one request that is waiting, on the calling thread.</summary>
    void PumpOne();
}
