using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>The kernel's ext4 on a loop device over an image.</summary>
internal sealed class LoopMount : IMountedSystem
{
    private readonly string _mountPoint;
    private string? _loopDevice;
    private bool _isMounted;

    /// <summary>Attaches a loop device and mounts it.</summary>
    public LoopMount(string image, string mountPoint, bool isWritable)
    {
        _mountPoint = mountPoint;
        string[] mode = isWritable ? [] : ["--read-only"];
        _loopDevice = Command.Run("losetup", ["--find", "--show", .. mode, image]).Trim();
        try
        {
            Command.Run("mount", "-t", "ext4", "-o", isWritable ? "rw" : "ro", _loopDevice, mountPoint);
            _isMounted = true;
        }
        catch (BenchException)
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ServerProcess? Server => null;

    /// <inheritdoc/>
    public void Unmount()
    {
        Command.Run("umount", _mountPoint);
        _isMounted = false;
        Command.Run("losetup", "--detach", _loopDevice!);
        _loopDevice = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isMounted)
        {
            Command.Try("umount", "--lazy", _mountPoint);
            _isMounted = false;
        }
        if (_loopDevice is not null)
        {
            Command.Try("losetup", "--detach", _loopDevice);
            _loopDevice = null;
        }
    }
}
