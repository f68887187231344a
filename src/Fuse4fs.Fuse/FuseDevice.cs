using System.Globalization;
using Fuse4fs.Fuse.Uring;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>An open /dev/fuse that is, or will be, connected to a mount.</summary>
/// <remarks>Unlike other transports, several threads may read it at once.</remarks>
public sealed unsafe class FuseDevice : IFuseTransport
{
    /// <summary>Where the device is.</summary>
    public const string Path = "/dev/fuse";

    /// <summary>MISC_MAJOR and FUSE_MINOR of the kernel's list of devices.</summary>
    internal const uint DeviceMajor = 10, DeviceMinor = 229;

    /// <summary>FUSE_DEV_IOC_CLONE.</summary>
    private const uint CloneRequest = 0x8004E500;

    /// <summary>F_SETFL, O_RDWR and O_NONBLOCK.</summary>
    private const int SetFlags = 4, ReadWrite = 2, NonBlocking = 0x800;

    private readonly FileDescriptor _descriptor;
    private readonly MessageRings _rings = new();
    private bool _isClone;
    private bool _isLooking;

    /// <summary>Takes ownership of the descriptor.</summary>
    public FuseDevice(FileDescriptor descriptor) => _descriptor = descriptor;

    /// <summary>The descriptor, for mount(2) and for handing on to another process.</summary>
    public FileDescriptor Descriptor => _descriptor;

    /// <summary>Opens the device, not connected to anything yet.</summary>
    /// <returns>NoEntry or NoDevice: this kernel or container has no FUSE; AccessDenied.</returns>
    public static Errno TryOpen(out FuseDevice? device) => TryOpen(Path, out device);

    private static Errno TryOpen(string path, out FuseDevice? device)
    {
        FileDescriptor descriptor = LibC.Open(path, OpenFlags.ReadWrite | OpenFlags.CloseOnExec, 0);
        Errno error = LibC.LastError;
        if (descriptor.IsInvalid)
        {
            device = null;
            return error;
        }
        device = new FuseDevice(descriptor);
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public ReadOutcome Read(Span<byte> buffer, out int length)
    {
        fixed (byte* start = buffer)
        {
            length = (int)LibC.Read(_descriptor, start, (nuint)buffer.Length);
        }
        if (length > 0)
        {
            return ReadOutcome.Request;
        }
        Errno error = length == 0 ? Errno.NoDevice : LibC.LastError;
        length = 0;
        switch (error)
        {
            case Errno.NoEntry or Errno.Interrupted:
                return ReadOutcome.Retry;
            case Errno.Again when _isLooking:
                return ReadOutcome.Nothing;
            case Errno.Again:
                // Only on an adopted descriptor that somebody made non-blocking.
                _ = LibC.WaitReadable(_descriptor);
                return ReadOutcome.Retry;
            case Errno.NoDevice or Errno.ConnectionAborted:
                return ReadOutcome.Ended;
            default:
                return ReadOutcome.Failed;
        }
    }

    /// <inheritdoc/>
    /// <remarks>The flag belongs to the open file: one that other threads read as well must stay as it is.</remarks>
    public bool TrySetBlocking(bool isBlocking)
    {
        nint flags = isBlocking ? ReadWrite : ReadWrite | NonBlocking;
        if (!_isClone || LibC.FileControl(_descriptor.Number, SetFlags, flags) != 0)
        {
            return false;
        }
        _isLooking = !isBlocking;
        return true;
    }

    /// <inheritdoc/>
    public Errno Write(ReadOnlySpan<byte> message)
    {
        fixed (byte* start = message)
        {
            return LibC.Write(_descriptor, start, (nuint)message.Length) < 0 ? LibC.LastError : Errno.Ok;
        }
    }

    /// <inheritdoc/>
    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        fixed (IoVector* start = pieces)
        {
            return LibC.WriteV(_descriptor, start, pieces.Length) < 0 ? LibC.LastError : Errno.Ok;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Hundreds with one system call where io_uring is allowed.</remarks>
    public void WriteMessages(byte* messages, int messageBytes, Span<Errno> results)
    {
        const int worthARing = 4;
        if (results.Length >= worthARing && _rings.TryRent(out MessageRing? ring))
        {
            // The ring is given the number alone: it must not be closed, and perhaps reused, meanwhile.
            bool isHeld = false;
            bool isUsable = true;
            try
            {
                _descriptor.DangerousAddRef(ref isHeld);
                isUsable = ring!.Write(_descriptor, messages, messageBytes, results);
            }
            finally
            {
                if (isHeld)
                {
                    _descriptor.DangerousRelease();
                }
                _rings.Return(ring!, isUsable);
            }
            return;
        }
        for (int i = 0; i < results.Length; i++)
        {
            nint written = LibC.Write(_descriptor, messages + ((long)i * messageBytes), (nuint)messageBytes);
            results[i] = written < 0 ? LibC.LastError : Errno.Ok;
        }
    }

    /// <summary>Makes now what <see cref="WriteMessages"/> would make later.</summary>
    internal void SettleRings() => _rings.Settle();

    /// <inheritdoc/>
    public Errno Ioctl(uint request, Span<byte> argument, out int result)
    {
        fixed (byte* start = argument)
        {
            result = LibC.IoControl(_descriptor, request, start);
            return result < 0 ? LibC.LastError : Errno.Ok;
        }
    }

    /// <inheritdoc/>
    public Errno Clone(out IFuseTransport? clone)
    {
        clone = null;
        Errno error = TryOpen(out FuseDevice? device);
        if (error != Errno.Ok)
        {
            // Handed to us from where there is one: the link leads to that one.
            error = TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{_descriptor.Number}"), out device);
        }
        if (error != Errno.Ok)
        {
            return error;
        }
        uint source = (uint)_descriptor.Number;
        if (LibC.IoControl(device!._descriptor, CloneRequest, &source) < 0)
        {
            error = LibC.LastError;
            device.Dispose();
            return error;
        }
        device._isClone = true;
        clone = device;
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rings.Dispose();
        _descriptor.Dispose();
    }
}
