using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>Ends a mount from inside. Dirty pages live in the kernel and die with the connection, so they are written
/// back first, by a thread of its own while the workers serve on; then the mount is taken away; and where it is in use
/// it is only detached, and served until its last user has closed it. A mount that somebody else made is written back
/// as far as we know of it and left without a server, as libfuse's servers do.</summary>
internal sealed class MountStopper(FuseMount mount, ServedVolume server) : IDisposable
{
    private readonly ManualResetEventSlim _done = new();
    private int _requests;
    private volatile bool _isGivenUp;

    /// <summary>Asked to stop, the server has left a mount that is not its own, with everything written back.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>The first call begins the end, the second one does not wait for it.</summary>
    public void Request()
    {
        switch (Interlocked.Increment(ref _requests))
        {
            case 1:
                ServerLog.Stopping(server.Log);
                new Thread(Stop) { IsBackground = true, Name = "stop" }.Start();
                break;
            case 2:
                _isGivenUp = true;
                _done.Set();
                break;
        }
    }

    /// <summary>Takes the mount away at once, written back or not, and waits for nobody. Returns at once.</summary>
    public void GiveUp() => new Thread(() =>
    {
        _ = Unmount(lazily: true);
        _isGivenUp = true;
        _done.Set();
    })
    {
        IsBackground = true,
        Name = "panic",
    }.Start();

    /// <summary>Takes the mount away: it was not to be.</summary>
    public void TakeAway() => _ = Unmount(lazily: true);

    /// <returns>True when the connection has ended, false when it was given up.</returns>
    public bool WaitForEnd(FuseSession session)
    {
        var watcher = new Thread(() =>
        {
            session.WaitForEnd();
            _done.Set();
        })
        {
            IsBackground = true,
            Name = "end",
        };
        watcher.Start();
        _done.Wait();
        return !_isGivenUp;
    }

    public void Dispose() => _done.Dispose();

    private void Stop()
    {
        // What waits could not be written back, and whoever froze the mount may never come back.
        server.Freezer.Close();
        if (mount.IsAdopted)
        {
            server.Written?.WriteBack(server.Notifier);
            HasLeft = true;
            _isGivenUp = true;
            _done.Set();
            return;
        }
        WriteBack();
        if (Unmount(lazily: false) == Errno.Busy && Unmount(lazily: true) == Errno.Ok)
        {
            ServerLog.Detached(server.Log);
        }
    }

    private Errno Unmount(bool lazily) => mount.IsAdopted ? Errno.Invalid
        : server.Outside is { } outside ? outside.Unmount(lazily)
        : mount.Unmount(lazily);

    private void WriteBack()
    {
        if (server.Outside is { } outside)
        {
            outside.WriteBack();
            return;
        }
        using FileDescriptor root = LibC.Open(mount.MountPoint,
            OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec, 0);
        if (!root.IsInvalid)
        {
            _ = LibC.SyncFileSystem(root);
        }
    }
}
