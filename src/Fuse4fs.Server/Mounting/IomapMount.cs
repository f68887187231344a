using System.Buffers.Binary;
using System.Diagnostics;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Sources;

namespace Fuse4fs.Server.Mounting;

/// <summary>A mount to be made of which the kernel moves the data itself: /dev/fuse with the permission for that, and the
/// block devices that both of us read and write from now on: one, or the members of a striped set.</summary>
internal sealed class IomapMount : IDisposable
{
    private const int LargestBlockBytes = 4096;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly FuseDevice _fuse;
    /// <summary>Devices that were made for this mount.</summary>
    private readonly string[] _loops;
    private bool _isMounted;

    private IomapMount(FuseDevice fuse, DirectDevice[] devices, long stripeBytes, IReadOnlyList<ImageSource> sources)
    {
        _fuse = fuse;
        _loops = [.. devices.Where((_, index) => !sources[index].IsBlockDevice).Select(device => device.Path)];
        Devices = devices;
        StripeBytes = stripeBytes;
        Device = devices.Length == 1 ? devices[0] : new StripedDevice(devices, stripeBytes);
    }

    /// <summary>Of the whole volume. Whoever opens a volume on it owns it.</summary>
    public IBlockDevice Device { get; }

    /// <summary>In their order; one, unless the volume is striped.</summary>
    public IReadOnlyList<DirectDevice> Devices { get; }

    /// <summary>Length of a strip of a striped volume.</summary>
    public long StripeBytes { get; }

    /// <summary>Prepares one, where the kernel offers it and the source permits it.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="sources">One, or the members of a set. They give up their claims on block devices to
    /// <see cref="Devices"/>.</param>
    /// <param name="refusal">Why not, in a few words; null where it was not wanted.</param>
    /// <returns>Null when data has to pass through the server.</returns>
    public static IomapMount? TryPrepare(ServeOptions options, IReadOnlyList<ImageSource> sources, out string? refusal)
    {
        refusal = null;
        if (options.Iomap == IomapChoice.Off)
        {
            return null;
        }
        FuseDevice? fuse = null;
        refusal = WhyNotThisMount(options, sources[0].Image, out int blockSizeBytes)
            ?? TryOpenFuse(isStriped: sources.Count > 1, out fuse);
        if (refusal is not null)
        {
            return null;
        }
        DirectDevice[]? devices = OpenDevices(sources, blockSizeBytes, out refusal);
        if (devices is null)
        {
            fuse!.Dispose();
            return null;
        }
        return new IomapMount(fuse!, devices, options.StripeWidthBytes, sources);
    }

    /// <summary>Tells every device whom to call before it waits for the medium.</summary>
    public void SetWaiting(Action waiting)
    {
        foreach (DirectDevice device in Devices)
        {
            device.Waiting = waiting;
        }
    }

    /// <summary>Mounts. The kernel answers mount(2) when it has learnt all about us, which the session tells it from a
    /// thread of its own.</summary>
    /// <exception cref="FuseException">With a sentence for the user.</exception>
    public FuseMount Mount(string mountPoint, MountOptions options, FuseSession session)
    {
        Exception? failure = null;
        var starting = new Thread(() =>
        {
            try
            {
                session.Start();
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        })
        {
            IsBackground = true,
            Name = "start",
        };
        starting.Start();
        FuseMount mount;
        try
        {
            mount = FuseMount.Mount(mountPoint, options, _fuse);
        }
        catch (FuseException refused)
        {
            // A mount that never came to be leaves its reader waiting; this process is at its end.
            string? cause = starting.Join(s_patience) ? failure?.Message : null;
            throw cause is null ? refused : new FuseException(refused.Error, cause);
        }
        _isMounted = true;
        starting.Join();
        if (failure is not null)
        {
            _ = mount.Unmount(lazily: true);
            throw failure is FuseException ? failure : new FuseException(Errno.InputOutput, failure.Message);
        }
        return mount;
    }

    /// <summary>A session for it; the mount comes later.</summary>
    public FuseSession CreateSession(IRequestHandler handler, SessionOptions options) => new(_fuse, handler, options);

    /// <summary>Waits until nobody uses loop devices of ours any more: whoever opens the image then finds it free. After
    /// the session's end.</summary>
    public void AwaitRelease()
    {
        foreach (string device in _loops)
        {
            string attached = $"/sys/block/{Path.GetFileName(device)}/loop/backing_file";
            for (long start = Stopwatch.GetTimestamp();
                File.Exists(attached) && Stopwatch.GetElapsedTime(start) < s_patience;)
            {
                Thread.Sleep(1);
            }
        }
    }

    /// <summary>Where nothing was mounted, closes what was opened for that. The rest belongs to others.</summary>
    public void Dispose()
    {
        if (!_isMounted)
        {
            _fuse.Dispose();
        }
    }

    private static string? WhyNotThisMount(ServeOptions options, ImageFile image, out int blockSizeBytes)
    {
        blockSizeBytes = BlockSizeOf(image, options);
        return options switch
        {
            { FuseBlock: FuseBlockChoice.On } => "the mount is to be of the type fuseblk",
            { Given: not null } => "a mount service mounts",
            _ when options.MountPoint.StartsWith("/dev/fd/", StringComparison.Ordinal) => "somebody else mounts",
            _ when blockSizeBytes > LargestBlockBytes => "no superblock, or blocks larger than a page",
            _ => null,
        };
    }

    private static string? TryOpenFuse(bool isStriped, out FuseDevice? fuse)
    {
        Errno error = FuseDevice.TryOpen(out fuse);
        if (error != Errno.Ok)
        {
            return $"{FuseDevice.Path}: {error}";
        }
        string? refusal = AskFor(fuse!, isStriped);
        if (refusal is not null)
        {
            fuse!.Dispose();
            fuse = null;
        }
        return refusal;
    }

    private static string? AskFor(FuseDevice fuse, bool isStriped)
    {
        Errno error = IomapIoctls.TryGetSupport(fuse, out ulong support);
        if (error != Errno.Ok)
        {
            return error == Errno.NotTerminal ? "the kernel has no fuse-iomap" : $"the kernel's fuse-iomap: {error}";
        }
        if ((support & IomapSupport.FileIo) == 0)
        {
            return "the kernel permits fuse-iomap neither to us nor at all (CAP_SYS_RAWIO, fuse.enable_iomap)";
        }
        if (isStriped && !IomapIoctls.HasStripes(fuse))
        {
            return "the volume is spread over several images, which this kernel's fuse-iomap cannot";
        }
        error = IomapIoctls.Permit(fuse);
        if (error == Errno.Ok)
        {
            error = IomapIoctls.MountSynchronously(fuse);
        }
        return error == Errno.Ok ? null : $"the kernel refuses fuse-iomap: {error}";
    }

    private static DirectDevice[]? OpenDevices(
        IReadOnlyList<ImageSource> sources, int blockSizeBytes, out string? refusal)
    {
        var devices = new List<DirectDevice>();
        refusal = null;
        foreach (ImageSource source in sources)
        {
            DirectDevice? device = OpenDevice(source, blockSizeBytes, out refusal);
            if (device is null)
            {
                break;
            }
            devices.Add(device);
        }
        if (refusal is null)
        {
            return [.. devices];
        }
        for (int i = 0; i < devices.Count; i++)
        {
            devices[i].Dispose();
            sources[i].Reclaim();
        }
        return null;
    }

    private static DirectDevice? OpenDevice(ImageSource source, int blockSizeBytes, out string? refusal)
    {
        refusal = null;
        if (source.IsBlockDevice)
        {
            Errno error = source.OpenDirectly(blockSizeBytes, out DirectDevice? device);
            refusal = error switch
            {
                Errno.Ok => null,
                Errno.Invalid => "the offset, or the file system's blocks, are smaller than the device's sectors",
                _ => $"{source.Path}: {error}",
            };
            return device;
        }
        try
        {
            return LoopAttachment.Attach(source.Image, source.Path, blockSizeBytes);
        }
        catch (MountRefusedException noLoop)
        {
            refusal = noLoop.Message;
            return null;
        }
    }

    /// <summary>As the superblock says, which nobody has checked yet. Docs: ext4/super.rst, s_log_block_size.</summary>
    private static int BlockSizeOf(ImageFile image, ServeOptions options)
    {
        const int field = 24;
        const int mostShifts = 6;
        long superblock = options.SuperblockKibibytes is ulong kibibytes ? checked((long)kibibytes * 1024) : 1024;
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        if (image.LengthBytes - superblock < 1024)
        {
            return int.MaxValue;
        }
        try
        {
            image.Read(superblock + field, bytes);
        }
        catch (DeviceException)
        {
            return int.MaxValue;
        }
        uint shift = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return shift > mostShifts ? int.MaxValue : 1024 << (int)shift;
    }
}
