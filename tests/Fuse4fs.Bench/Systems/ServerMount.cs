using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>A mount served by a process, perhaps over another mount that goes after it.</summary>
internal sealed class ServerMount(ServerProcess server, string mountPoint, IMountedSystem? below) : IMountedSystem
{
    private bool _isMounted = true;

    /// <inheritdoc/>
    public ServerProcess? Server => server;

    /// <inheritdoc/>
    public void Unmount()
    {
        Command.Run("umount", mountPoint);
        _isMounted = false;
        server.WaitForEnd();
        below?.Unmount();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isMounted)
        {
            Command.Try("umount", "--lazy", mountPoint);
            _isMounted = false;
        }
        server.Dispose();
        below?.Dispose();
    }
}
