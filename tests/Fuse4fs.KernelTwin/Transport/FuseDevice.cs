using Fuse4fs.KernelTwin.Mounting;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Transport;

/// <summary>An open /dev/fuse.</summary>
public sealed class FuseDevice : IFuseDevice
{
    private const int SmallestBuffer = 8192;
    private readonly TwinKernel _kernel;
    private readonly DeviceIoctls _ioctls;

    internal FuseDevice(TwinKernel kernel)
    {
        _kernel = kernel;
        _ioctls = new DeviceIoctls(kernel, this);
    }

    /// <summary>Whether the process that holds it has CAP_SYS_RAWIO.</summary>
    public bool HasRawIo { get; set; } = true;

    /// <summary>ADD_IOMAP was issued on it.</summary>
    public bool IsBlessed { get; internal set; }

    /// <summary>SYNC_INIT was issued on it.</summary>
    public bool IsSyncInit { get; internal set; }

    internal bool IsMounted => _kernel.Connection.State != ConnectionState.Unmounted;

    public int Read(Span<byte> buffer)
    {
        lock (_kernel.Scheduler.Gate)
        {
            int smallest = Math.Max(SmallestBuffer, 80 + _kernel.Session.MaxWrite);
            if (buffer.Length < smallest)
            {
                return -(int)Errno.EINVAL;
            }
            Errno error = _kernel.Connection.WaitForRequest(IsSyncInit);
            return error != Errno.Ok ? -(int)error : _kernel.Connection.Deliver(this, buffer);
        }
    }

    public int Write(ReadOnlySpan<byte> message)
    {
        lock (_kernel.Scheduler.Gate)
        {
            Errno error = IsMounted ? _kernel.Connection.Accept(this, message) : Errno.EPERM;
            return error != Errno.Ok ? -(int)error : message.Length;
        }
    }

    public int Ioctl(uint request, Span<byte> argument)
    {
        lock (_kernel.Scheduler.Gate)
        {
            return _ioctls.Run((DeviceIoctl)request, argument);
        }
    }

    public IFuseDevice Clone() => new FuseDevice(_kernel) { HasRawIo = HasRawIo, IsSyncInit = IsSyncInit };

    /// <summary>The last descriptor of a dead server: the connection is aborted.</summary>
    public void Dispose()
    {
    }
}
