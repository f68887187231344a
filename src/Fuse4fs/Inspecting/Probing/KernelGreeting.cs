using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Probing;

/// <summary>The kernel's first message to a FUSE server: the only place where it says what it can do.</summary>
internal sealed class KernelGreeting
{
    private const int RequestBytes = 1 << 17;

    private KernelGreeting(string? refusal) => Refusal = refusal;

    /// <summary>Why nothing is known; null when the rest is valid.</summary>
    public string? Refusal { get; }

    public uint Major { get; private init; }

    public uint Minor { get; private init; }

    /// <summary>Largest read-ahead it does by itself, bytes.</summary>
    public uint MaximumReadAheadBytes { get; private init; }

    public InitFlags Flags { get; private init; }

    /// <summary>The revision of fuse-iomap; null where there is none, or it is not for us.</summary>
    public string? IomapRevision { get; private init; }

    /// <summary>Mounts on an empty directory, reads one message, unmounts.</summary>
    public static KernelGreeting Read()
    {
        string directory;
        try
        {
            directory = Directory.CreateTempSubdirectory("fuse4fs-probe-").FullName;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new KernelGreeting($"{Path.GetTempPath()}: no directory for it can be made");
        }
        try
        {
            return ReadAt(directory);
        }
        catch (FuseException refused)
        {
            return new KernelGreeting(refused.Message);
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    /// <summary>What the kernel says to the iomap patches' question; -1 when it does not know it.</summary>
    public static long IomapSupport()
    {
        Errno error = FuseDevice.TryOpen(out FuseDevice? device);
        if (error != Errno.Ok)
        {
            return -1;
        }
        using (device)
        {
            return IomapIoctls.TryGetSupport(device!, out ulong flags) == Errno.Ok ? (long)flags : -1;
        }
    }

    private static KernelGreeting ReadAt(string directory)
    {
        FuseMount mount = FuseMount.Mount(directory, new MountOptions { Source = "fuse4fs-probe" });
        using (mount.Device)
        {
            try
            {
                return ReadMessage(mount.Device);
            }
            finally
            {
                mount.Unmount(lazily: true);
            }
        }
    }

    private static KernelGreeting ReadMessage(FuseDevice device)
    {
        byte[] buffer = new byte[RequestBytes];
        ReadOutcome outcome;
        int length;
        do
        {
            outcome = device.Read(buffer, out length);
        }
        while (outcome == ReadOutcome.Retry);
        int headerBytes = Marshal.SizeOf<InHeader>();
        if (outcome != ReadOutcome.Request || length < headerBytes + InitIn.ShortBytes)
        {
            return new KernelGreeting("the kernel did not greet the mount");
        }
        // Kernels before 7.36 send a shorter message; the rest of the buffer is zeros, which is what it would say.
        InitIn init = MemoryMarshal.Read<InitIn>(buffer.AsSpan(headerBytes));
        var low = (InitFlags)init.Flags;
        return new KernelGreeting(refusal: null)
        {
            Major = init.Major,
            Minor = init.Minor,
            MaximumReadAheadBytes = init.MaxReadAhead,
            IomapRevision = IomapIoctls.TryGetSupport(device, out ulong support) == Errno.Ok && support != 0
                ? IomapIoctls.RevisionName(device)
                : null,
            Flags = low.HasFlag(InitFlags.InitExtended) ? low | (InitFlags)((ulong)init.Flags2 << 32) : low,
        };
    }
}
