using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>Bytes go in and come out again.</summary>
internal static class DataScenarios
{
    public static void BufferedWrites(Bench bench)
    {
        var model = new ModelFile();
        long fd = bench.Create("/data");
        foreach ((long offset, int length, int seed) in new[] { (0L, 100, 1), (100, 5000, 2), (50, 10, 3), (9000, 4096, 4),
            (20000, 1, 5), (12288, 4096, 6) })
        {
            byte[] data = Bench.Bytes(length, seed);
            bench.Write(fd, data, offset);
            model.Write(offset, data);
        }
        bench.Compare(fd, model.Content, "before write-back");
        Bench.Equal(0, bench.User.Close(fd), "close");
        bench.Holds("/data", model.Content);
        bench.Remount();
        bench.Holds("/data", model.Content);
    }

    public static void SparseFile(Bench bench)
    {
        var model = new ModelFile();
        long fd = bench.Create("/sparse");
        foreach (long offset in new[] { 1_000_000L, 5000, 300_000, 65_536 })
        {
            byte[] data = Bench.Bytes(700, (int)offset);
            bench.Write(fd, data, offset);
            model.Write(offset, data);
        }
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        bench.Holds("/sparse", model.Content);
        bench.Remount();
        bench.Holds("/sparse", model.Content);
    }

    public static void DirectIo(Bench bench)
    {
        var model = new ModelFile();
        long fd = bench.Open("/direct", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Direct);
        foreach ((long offset, int length) in new[] { (0L, 65536), (65536, 512), (131072, 4096), (8192, 4096), (66048, 1024) })
        {
            byte[] data = Bench.Bytes(length, (int)offset + length);
            bench.Write(fd, data, offset);
            model.Write(offset, data);
        }
        bench.Compare(fd, model.Content, "direct");
        bench.User.Close(fd);
        bench.Holds("/direct", model.Content);
        bench.Remount();
        bench.Holds("/direct", model.Content);
    }

    /// <summary>Buffered, direct and mapped access to one file see each other.</summary>
    public static void MixedAccess(Bench bench)
    {
        var model = new ModelFile();
        long fd = bench.Create("/mixed");
        long direct = bench.Open("/mixed", OpenFlags.ReadWrite | OpenFlags.Direct);
        byte[] first = Bench.Bytes(20000, 1);
        bench.Write(fd, first, 0);
        model.Write(0, first);
        byte[] second = Bench.Bytes(4096, 2);
        bench.Write(direct, second, 4096);
        model.Write(4096, second);
        bench.Compare(fd, model.Content, "after a direct write");
        byte[] third = Bench.Bytes(100, 3);
        bench.Write(fd, third, 8000);
        model.Write(8000, third);
        byte[] back = new byte[8192];
        Bench.Equal(8192, bench.User.Pread(direct, back, 4096), "direct read");
        Bench.Equal(true, back.AsSpan().SequenceEqual(model.Content.AsSpan(4096, 8192)), "direct read of dirty data");
        TwinMap map = bench.User.Mmap(fd, isWritable: true)!;
        byte[] fourth = Bench.Bytes(9000, 4);
        Bench.Equal(true, bench.User.Store(map, 3000, fourth), "store");
        model.Write(3000, fourth);
        Bench.Equal(0, bench.User.Msync(map), "msync");
        Bench.Equal(0, bench.User.Munmap(map), "munmap");
        bench.User.Close(fd);
        bench.User.Close(direct);
        bench.Holds("/mixed", model.Content);
        bench.Remount();
        bench.Holds("/mixed", model.Content);
    }

    public static void MappedHole(Bench bench)
    {
        long fd = bench.Create("/map");
        Bench.Equal(0, bench.User.Ftruncate(fd, 100_000), "ftruncate");
        TwinMap map = bench.User.Mmap(fd, isWritable: true)!;
        var model = new ModelFile();
        model.Resize(100_000);
        foreach (long offset in new[] { 0L, 50_000, 99_990, 70_000 })
        {
            byte[] data = Bench.Bytes(10, (int)offset);
            Bench.Equal(true, bench.User.Store(map, offset, data), $"store at {offset}");
            model.Write(offset, data);
        }
        Bench.Equal(0, bench.User.Munmap(map), "munmap");
        bench.User.Close(fd);
        bench.Holds("/map", model.Content);
    }

    public static void SmallFiles(Bench bench)
    {
        var contents = new Dictionary<string, byte[]>();
        for (int index = 0; index < 12; index++)
        {
            string path = $"/small{index}";
            long fd = bench.Create(path);
            byte[] data = Bench.Bytes(1 + (index * 37), index);
            bench.Write(fd, data, 0);
            var model = new ModelFile();
            model.Write(0, data);
            Grow(bench, fd, model, index);
            bench.User.Close(fd);
            contents[path] = model.Content;
        }
        bench.Remount();
        foreach ((string path, byte[] content) in contents)
        {
            bench.Holds(path, content);
        }
    }

    public static void CopyRange(Bench bench)
    {
        long source = bench.Create("/source");
        long target = bench.Create("/target");
        byte[] data = Bench.Bytes(20000, 1);
        bench.Write(source, data, 0);
        byte[] old = Bench.Bytes(3000, 2);
        bench.Write(target, old, 0);
        var model = new ModelFile();
        model.Write(0, old);
        long copied = bench.User.CopyFileRange(source, 100, target, 1000, 15000);
        Bench.Equal(15000, copied, "copy_file_range");
        model.Write(1000, data.AsSpan(100, 15000));
        Bench.Equal(0, bench.User.Fsync(target), "fsync");
        bench.User.Close(source);
        bench.User.Close(target);
        bench.Holds("/target", model.Content);
        bench.Remount();
        bench.Holds("/target", model.Content);
        bench.Holds("/source", data);
    }

    /// <summary>Blocks of a deleted file are used again, while its data may still be cached.</summary>
    public static void Reuse(Bench bench)
    {
        for (int round = 0; round < 6; round++)
        {
            string path = $"/round{round}";
            byte[] data = Bench.Bytes(200_000, round);
            long fd = bench.Create(path);
            bench.Write(fd, data, 0);
            bench.Compare(fd, data, path);
            Bench.Equal(0, bench.User.Fsync(fd), "fsync");
            bench.User.DropCache(fd);
            bench.Compare(fd, data, path);
            bench.User.Close(fd);
            if (round > 0)
            {
                bench.Holds($"/round{round - 1}", Bench.Bytes(200_000, round - 1));
                Bench.Equal(0, bench.User.Unlink($"/round{round - 1}"), "unlink");
            }
        }
        bench.Remount();
        bench.Holds("/round5", Bench.Bytes(200_000, 5));
    }

    public static void DiscardedByOpen(Bench bench)
    {
        long fd = bench.Create("/again");
        bench.Write(fd, Bench.Bytes(30000, 1), 0);
        bench.User.Close(fd);
        fd = bench.Open("/again", OpenFlags.ReadWrite | OpenFlags.Truncate);
        byte[] data = Bench.Bytes(50, 2);
        var model = new ModelFile();
        model.Write(9000, data);
        bench.Write(fd, data, 9000);
        bench.User.Close(fd);
        bench.Holds("/again", model.Content);
        bench.Remount();
        bench.Holds("/again", model.Content);
    }

    private static void Grow(Bench bench, long fd, ModelFile model, int index)
    {
        byte[] data = Bench.Bytes(300, index + 100);
        switch (index % 4)
        {
            case 0:
                bench.Write(fd, data, 5000);
                model.Write(5000, data);
                break;
            case 1:
                Bench.Equal(0, bench.User.Ftruncate(fd, 20), "ftruncate");
                model.Resize(20);
                Bench.Equal(0, bench.User.Ftruncate(fd, 300), "ftruncate");
                model.Resize(300);
                break;
            case 2:
                TwinMap map = bench.User.Mmap(fd, isWritable: true)!;
                Bench.Equal(true, bench.User.Store(map, 0, data.AsSpan(0, 1).ToArray()), "store");
                Bench.Equal(0, bench.User.Munmap(map), "munmap");
                model.Write(0, data.AsSpan(0, 1));
                break;
            default:
                bench.Write(fd, data, 700);
                model.Write(700, data);
                break;
        }
    }
}
