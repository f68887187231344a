using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Holes, unwritten ranges, files in many pieces.</summary>
internal static class SparseFiller
{
    private const int FileTooBig = 27;
    private const int NotSupported = 95;
    private const int Step = 4096;

    public static void Fill(FillTarget target)
    {
        byte[] data = new byte[10_000];
        new PatternStream(7).Fill(data);
        WriteAt(target.At("hole-first"), data, 100_000);
        WriteAt(target.At("hole-between"), data, 0, 500_001, 700_000);
        WriteAt(target.At("far-apart"), data, 0, 60 << 10, 5 << 20, 80 << 20, 600 << 20);
        FillTail(target.At("hole-last"), data);
        FillTail(target.At("only-a-hole"), []);
        FillTerabyte(target.At("terabyte"), data);
        FillUnwritten(target, data);
        FillComb(target.At("comb"));
        FillBraids(target, data);
    }

    private static void WriteAt(HostPath path, byte[] data, params long[] offsets)
    {
        using var file = new OpenedFile(path);
        foreach (long offset in offsets)
        {
            file.Write(data, offset);
        }
    }

    private static void FillTail(HostPath path, byte[] data)
    {
        using var file = new OpenedFile(path);
        file.Write(data, 0);
        FillTarget.Require(Posix.Truncate(file.Descriptor, 3_000_123), "ftruncate", path);
    }

    /// <summary>1 TiB where the map can express it, else as much as it can.</summary>
    private static void FillTerabyte(HostPath path, byte[] data)
    {
        using var file = new OpenedFile(path);
        for (long size = 1L << 40; size > 1L << 30; size >>= 1)
        {
            if (FillTarget.Require(Posix.Truncate(file.Descriptor, size), "ftruncate", path, FileTooBig) == 0)
            {
                file.Write(data, 0);
                file.Write(data, size / 2);
                file.Write(data, size - data.Length);
                return;
            }
        }
    }

    private static void FillUnwritten(FillTarget target, byte[] data)
    {
        Allocate(target.At("unwritten"), AllocateMode.Plain, 0, 300_000);
        Allocate(target.At("beyond-the-end"), AllocateMode.KeepSize, 0, 200_000);
        HostPath mixed = target.At("unwritten-and-written");
        Allocate(mixed, AllocateMode.Plain, 8192, 400_000);
        WriteAt(mixed, data, 0, 100_000, 300_000);
        HostPath punched = target.At("punched");
        WriteAt(punched, data, 0, 10_000, 20_000, 30_000, 40_000);
        Allocate(punched, AllocateMode.PunchHole | AllocateMode.KeepSize, 9_000, 24_000);
        HostPath zeroed = target.At("zeroed");
        WriteAt(zeroed, data, 0, 10_000, 20_000, 30_000, 40_000);
        Allocate(zeroed, AllocateMode.ZeroRange, 9_000, 24_000);
    }

    /// <summary>Every second block: as many extents as blocks, so that the extent tree grows.</summary>
    private static void FillComb(HostPath path)
    {
        using var file = new OpenedFile(path);
        byte[] block = new byte[Step];
        var pattern = new PatternStream(11);
        for (int index = 0; index < 500; index++)
        {
            pattern.Fill(block);
            file.Write(block, index * 2L * Step);
        }
    }

    /// <summary>Two files whose blocks take turns on the disk.</summary>
    private static void FillBraids(FillTarget target, byte[] data)
    {
        using var left = new OpenedFile(target.At("braid-left"));
        using var right = new OpenedFile(target.At("braid-right"));
        for (int index = 0; index < 120; index++)
        {
            foreach (OpenedFile file in new[] { left, right })
            {
                Posix.Allocate(file.Descriptor, AllocateMode.Plain, index * (long)Step, Step);
                file.Write(data.AsSpan(index, Step), index * (long)Step);
            }
        }
    }

    private static void Allocate(HostPath path, AllocateMode mode, long offset, long length)
    {
        using var file = new OpenedFile(path);
        FillTarget.Require(Posix.Allocate(file.Descriptor, mode, offset, length), "fallocate", path, NotSupported);
    }
}
