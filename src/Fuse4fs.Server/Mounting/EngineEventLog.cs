using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Serilog;

namespace Fuse4fs.Server.Mounting;

/// <summary>What the engine reports, as log lines. The first warning is kept for the one who mounts.</summary>
internal sealed class EngineEventLog(ILogger log) : IEngineEvents
{
    private readonly Lock _gate = new();
    private string? _early;
    private Action? _stop;
    private bool _mustStop;

    /// <summary>The first warning so far.</summary>
    public string? FirstWarning => _early;

    /// <inheritdoc/>
    public void Damage(Ext4CorruptException damage, InodeNumber inode) => ServerLog.Damage(log, damage, inode);

    /// <inheritdoc/>
    public void Warning(string message)
    {
        ServerLog.Warning(log, message);
        Interlocked.CompareExchange(ref _early, message, null);
    }

    /// <inheritdoc/>
    public void MustStop()
    {
        ServerLog.Panic(log);
        Action? stop;
        lock (_gate)
        {
            _mustStop = true;
            stop = _stop;
        }
        stop?.Invoke();
    }

    /// <summary>Names who ends the mount when the engine says so.</summary>
    /// <returns>False when it has said so already.</returns>
    public bool TryWatch(Action stop)
    {
        lock (_gate)
        {
            _stop = stop;
            return !_mustStop;
        }
    }

    /// <inheritdoc/>
    public void DeviceFailed(DeviceException failure) => ServerLog.DeviceFailed(log, failure);
}
