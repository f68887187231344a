using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>Sizes, holes, space given back.</summary>
internal static class SpaceScenarios
{
    private const int Keep = Fallocation.KeepSize;

    /// <summary>An append into written blocks, seen by stat before it is written back: only END tells of it.</summary>
    public static void SizeOnlyEndTells(Bench bench)
    {
        long fd = bench.Create("/size");
        byte[] data = Bench.Bytes(200, 1);
        bench.Write(fd, data.AsSpan(0, 100).ToArray(), 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.Write(fd, data.AsSpan(100).ToArray(), 100);
        Bench.Equal(200, bench.User.Fstat(fd).Stat!.Size, "fstat");
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        Bench.Equal(200, bench.User.Fstat(fd).Stat!.Size, "fstat");
        Bench.Equal(0, bench.User.Chmod("/size", 0x1A4), "chmod");
        bench.User.Close(fd);
        bench.Remount();
        bench.Holds("/size", data);
    }

    public static void Truncate(Bench bench)
    {
        var model = new ModelFile();
        byte[] data = Bench.Bytes(70000, 1);
        long fd = bench.Create("/cut");
        bench.Write(fd, data, 0);
        model.Write(0, data);
        foreach (long size in new[] { 40000L, 5000, 8192, 100000, 100000, 4096, 0, 9000, 65536 })
        {
            Bench.Equal(0, bench.User.Ftruncate(fd, size), $"ftruncate {size}");
            model.Resize(size);
            Bench.Equal(size, bench.User.Fstat(fd).Stat!.Size, "fstat");
            bench.Compare(fd, model.Content, $"after ftruncate {size}");
            if (size % 3 == 0)
            {
                Bench.Equal(0, bench.User.Fsync(fd), "fsync");
                byte[] more = Bench.Bytes(3000, (int)size);
                bench.Write(fd, more, size / 2);
                model.Write(size / 2, more);
            }
        }
        bench.User.Close(fd);
        bench.Holds("/cut", model.Content);
        bench.Remount();
        bench.Holds("/cut", model.Content);
    }

    /// <summary>What was beyond a smaller size never comes back.</summary>
    public static void TruncatedBytesStayGone(Bench bench)
    {
        long fd = bench.Create("/gone");
        byte[] data = Bench.Bytes(50000, 1);
        bench.Write(fd, data, 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.DropCache(fd);
        Bench.Equal(0, bench.User.Ftruncate(fd, 10001), "ftruncate");
        bench.User.DropCache(fd);
        AtMost(10001 + (2 * bench.BlockSize), Allocated(bench, fd), "space after the truncate");
        Bench.Equal(0, bench.User.Ftruncate(fd, 50000), "ftruncate");
        bench.User.Close(fd);
        bench.Kernel.DropCaches(inodes: true);
        var model = new ModelFile();
        model.Write(0, data.AsSpan(0, 10001));
        model.Resize(50000);
        bench.Holds("/gone", model.Content);
    }

    public static void PunchAndZero(Bench bench)
    {
        var model = new ModelFile();
        byte[] data = Bench.Bytes(100_000, 1);
        long fd = bench.Create("/holes");
        bench.Write(fd, data, 0);
        model.Write(0, data);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        foreach ((int mode, long offset, long length) in new[]
        {
            (Keep | Fallocation.PunchHole, 100L, 8192L), (Keep | Fallocation.PunchHole, 20480, 4096),
            (Fallocation.ZeroRange, 33000, 9000), (Keep | Fallocation.PunchHole, 90000, 1_000_000),
            (Fallocation.ZeroRange, 95000, 20000), (Fallocation.ZeroRange | Keep, 110_000, 30000),
        })
        {
            Bench.Equal(0, bench.User.Fallocate(fd, mode, offset, length), $"fallocate {mode} {offset}+{length}");
            model.Zero(offset, length, grows: (mode & Keep) == 0);
            bench.Compare(fd, model.Content, $"after fallocate {mode} {offset}+{length}");
        }
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.DropCache(fd);
        bench.Compare(fd, model.Content, "after all fallocates");
        bench.User.Close(fd);
        bench.Remount();
        bench.Holds("/holes", model.Content);
    }

    public static void Preallocation(Bench bench)
    {
        long fd = bench.Create("/pre");
        Bench.Equal(0, bench.User.Fallocate(fd, 0, 0, 65000), "fallocate");
        Bench.Equal(65000, bench.User.Fstat(fd).Stat!.Size, "fstat");
        byte[] data = Bench.Bytes(5000, 1);
        bench.Write(fd, data, 30000);
        var model = new ModelFile();
        model.Resize(65000);
        model.Write(30000, data);
        Bench.Equal(0, bench.User.Fallocate(fd, Keep, 65000, 100_000), "fallocate");
        bench.User.Close(fd);
        bench.Holds("/pre", model.Content);
        bench.Remount();
        bench.Holds("/pre", model.Content);
    }

    /// <summary>Whatever is reserved, allocated, cut, punched, aborted: after the last unlink all of it is free.</summary>
    public static void NothingLeaks(Bench bench)
    {
        bench.Create("/warm");
        ulong before = Free(bench);
        long fd = bench.Create("/leak");
        bench.Write(fd, Bench.Bytes(100_000, 1), 0);
        bench.User.Pwrite(fd, new UserBuffer(Bench.Bytes(60_000, 2), 5000), 120_000);
        bench.User.Fallocate(fd, Keep, 400_000, 50_000);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Fallocate(fd, Keep | Fallocation.PunchHole, 8192, 16384);
        long used = (long)(before - Free(bench)) * bench.BlockSize;
        AtMost(Allocated(bench, fd) + (4 * bench.BlockSize), used, "space that is neither free nor the file's");
        bench.User.Ftruncate(fd, 150_000);
        bench.User.Fallocate(fd, Keep | Fallocation.PunchHole, 0, 1 << 20);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        AtMost(2 * bench.BlockSize, Allocated(bench, fd), "space of a file that is one hole");
        bench.User.Close(fd);
        Bench.Equal(0, bench.User.Unlink("/leak"), "unlink");
        bench.Eventually(before, () => Free(bench), "free blocks");
        bench.User.Close(3);
    }

    public static void NoSpace(Bench bench)
    {
        ulong before = Free(bench);
        long fd = bench.Create("/full");
        byte[] chunk = Bench.Bytes(1 << 20, 1);
        long offset = 0;
        long written;
        while ((written = bench.User.Pwrite(fd, chunk, offset)) > 0 && offset < 1L << 33)
        {
            offset += written;
        }
        Bench.Equal(-(long)Errno.ENOSPC, written, "write on a full device");
        Bench.Equal(0, bench.User.Fsync(fd), "fsync: what was accepted has its place");
        bench.User.Close(fd);
        Bench.Equal(0, bench.User.Unlink("/full"), "unlink");
        bench.Eventually(before, () => Free(bench), "free blocks");
    }

    public static void UnlinkedWhileOpen(Bench bench)
    {
        byte[] data = Bench.Bytes(50_000, 1);
        long fd = bench.Create("/orphan");
        bench.Write(fd, data, 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.DropCache(fd);
        Bench.Equal(0, bench.User.Unlink("/orphan"), "unlink");
        long other = bench.Create("/other");
        bench.Write(other, Bench.Bytes(50_000, 2), 0);
        Bench.Equal(0, bench.User.Fsync(other), "fsync");
        bench.Compare(fd, data, "an unlinked file");
        bench.User.Close(fd);
        bench.User.Close(other);
        bench.Holds("/other", Bench.Bytes(50_000, 2));
    }

    public static void SeekAndFiemap(Bench bench)
    {
        int block = bench.BlockSize;
        long fd = bench.Create("/seek");
        bench.Write(fd, Bench.Bytes(block, 1), 16 * block);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        Bench.Equal(16 * block, bench.User.SeekData(fd, block), "SEEK_DATA");
        Bench.Equal(block, bench.User.SeekHole(fd, block), "SEEK_HOLE");
        Bench.Equal(-(long)Errno.ENXIO, bench.User.SeekData(fd, 17 * block), "SEEK_DATA at EOF");
        (IReadOnlyList<Mapping> extents, long error) = bench.User.Fiemap(fd, 0, long.MaxValue);
        Bench.Equal(0, error, "FIEMAP");
        Bench.Equal(true, extents.Any(extent => extent.IsWritten && extent.Contains(16 * block)), "the extent");
        bench.User.Close(fd);
    }

    public static void SwapFile(Bench bench)
    {
        long fd = bench.Create("/swap");
        bench.Write(fd, new byte[1 << 20], 0);
        bench.User.Close(fd);
        long swap = bench.User.SwapOn("/swap");
        Bench.Equal(true, swap >= 0, $"swapon: {swap}");
        long other = bench.Create("/beside");
        bench.Write(other, Bench.Bytes(100_000, 1), 0);
        bench.User.Close(other);
        Bench.Equal(0, bench.User.SwapOff("/swap", swap), "swapoff");
    }

    private static long Allocated(Bench bench, long fd) => (long)bench.User.Fstat(fd).Stat!.Blocks * 512;

    private static void AtMost(long most, long actual, string what)
    {
        if (actual > most)
        {
            throw new ConformanceException($"{what}: {actual}, more than {most}");
        }
    }

    private static ulong Free(Bench bench)
    {
        bench.Kernel.Settle();
        return bench.User.Statfs().Statfs!.FreeBlocks;
    }
}
