using Fuse4fs.Ext4.Format;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Wire;
using Fuse4fs.Testing;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Data was written and cannot be taken in; one file of many is damaged; the volume is shut down.</summary>
public sealed class VolumeErrorTests
{
    private const uint ShutdownCommand = 0x8004587D;

    /// <summary>On v8 the kernel tells nobody what a completion of write-back was answered with: everybody who has the
    /// file open hears of it once, at his next fsync. On v9 it does so itself.</summary>
    [Theory]
    [InlineData("v8", "-t ext2 -b 1024")]
    [InlineData("v8", "-t ext3 -b 1024")]
    [InlineData("v9", "-t ext2 -b 1024")]
    public void What_could_not_be_taken_in_is_told_to_each_writer_once(string revision, string features)
    {
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make(revision, features, inner => faulty = new FaultyStorage(inner));
        long fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, Bench.Bytes(40_000, 1), 0);
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        long first = bench.Bench.Open("/file");
        long second = bench.Bench.Open("/file");
        bench.Bench.Write(first, Bench.Bytes(1024, 2), 100 << 10);
        FailNextCompletion(bench, faulty);
        bench.Bench.Kernel.FlushInBackground(waits: true);
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Fsync(first), "first fsync");
        Bench.Equal(0, bench.Bench.User.Fsync(first), "second fsync");
        long late = bench.Bench.Open("/file");
        Bench.Equal(0, bench.Bench.User.Fsync(late), "fsync of who opened the file later");
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Fsync(second), "fsync of the other");
        Bench.Equal(0, bench.Bench.User.Fsync(second), "second fsync of the other");
        bench.Bench.Write(first, Bench.Bytes(1024, 2), 100 << 10);
        Bench.Equal(0, bench.Bench.User.Fsync(first), "fsync of what was written again");
        foreach (long open in (long[])[first, second, late])
        {
            bench.Bench.User.Close(open);
        }
        bench.Bench.Remount();
        byte[] expected = new byte[101 << 10];
        Bench.Bytes(40_000, 1).CopyTo(expected, 0);
        Bench.Bytes(1024, 2).CopyTo(expected, 100 << 10);
        bench.Bench.Holds("/file", expected);
        bench.Finish();
    }

    /// <summary>The size that a writer told of could not be stored when he closed the file; it is when the kernel forgets
    /// the file.</summary>
    [Fact]
    public void A_size_that_could_not_be_stored_at_close_is_stored_later()
    {
        const int block = 1024;
        const long size = (299 * block) + 250;
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make("v8", "-t ext2 -b 1024", inner => faulty = new FaultyStorage(inner));
        long fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, Bench.Bytes((int)size, 1), 0);
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        Bench.Equal(0, bench.Bench.User.Stat("/file").Error, "stat");
        Assert.Equal(Linux.Errno.Ok, bench.Volume.Lookup(InodeNumber.Root, "file"u8, out InodeNumber number));
        Assert.Equal(Linux.Errno.Ok, bench.Volume.EndDelegatedWrite(number, size, 100, 100, isSizeChanged: true));
        bench.Volume.GiveBackMemory();
        faulty.OnRead = (_, _) => Errno.EIO;
        Assert.Equal(Linux.Errno.InputOutput, bench.Volume.CloseDelegated(number));
        faulty.OnRead = null;
        bench.Bench.Kernel.DropCaches(inodes: true);
        bench.Bench.Eventually(size + 100, () => Size(bench, number), "stored size");
        bench.Finish();
    }

    /// <summary>What one of them is to be told of is his affair.</summary>
    [Fact]
    public void A_damaged_file_does_not_keep_others_from_becoming_durable()
    {
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make("v8", "-t ext2 -b 1024", inner => faulty = new FaultyStorage(inner));
        byte[] data = Bench.Bytes(30_000, 3);
        long bad = bench.Bench.Create("/bad");
        bench.Bench.Write(bad, Bench.Bytes(40_000, 1), 0);
        bench.Bench.User.Close(bad);
        bench.Bench.Remount();
        bad = bench.Bench.Open("/bad");
        bench.Bench.Write(bad, Bench.Bytes(1024, 2), 100 << 10);
        FailNextCompletion(bench, faulty);
        bench.Bench.Kernel.FlushInBackground(waits: true);
        long good = bench.Bench.Create("/good");
        bench.Bench.Write(good, data, 0);
        Bench.Equal(0, bench.Bench.User.Syncfs(), "syncfs");
        using (var directory = new TemporaryDirectory())
        {
            string copy = directory.Combine("copy");
            bench.Storage.Quietly(() =>
            {
                File.Copy(bench.ImagePath, copy);
                return 0;
            });
            string found = directory.Combine("found");
            Tool.Check("debugfs", "-R", $"dump /good {found}", copy);
            Assert.Equal(data, File.ReadAllBytes(found));
        }
        bench.Bench.User.Close(good);
        bench.Bench.User.Close(bad);
        bench.Finish();
    }

    /// <summary>Shut down: nothing is taken in or given out any more, what was synced is there, and the volume needs a
    /// replay and no more.</summary>
    [Theory]
    [InlineData("v8", 0)]
    [InlineData("v9", 1)]
    public void After_a_shutdown_nothing_is_changed(string revision, uint mode)
    {
        using VolumeBench bench = Make(revision, "-t ext4 -b 4096", inner => inner);
        byte[] data = Bench.Bytes(50_000, 1);
        long fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, data, 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.Write(fd, Bench.Bytes(50_000, 2), 1 << 20);
        Bench.Equal(0, bench.Bench.User.Ioctl(fd, ShutdownCommand, BitConverter.GetBytes(mode), 4).Result, "shutdown");
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Fsync(fd), "fsync");
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Pwrite(fd, data, 2 << 20), "write");
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Ftruncate(fd, 0), "ftruncate");
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        fd = bench.Bench.Open("/file", OpenFlags.ReadOnly);
        byte[] found = new byte[data.Length];
        Bench.Equal(data.Length, bench.Bench.User.Pread(fd, found, 0), "read");
        Assert.Equal(data, found);
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    private static long Size(VolumeBench bench, InodeNumber number)
    {
        Assert.Equal(Linux.Errno.Ok, bench.Volume.GetDelegatedSize(number, out long size));
        return size;
    }

    /// <summary>The next write to the device is followed by a read that fails.</summary>
    private static void FailNextCompletion(VolumeBench bench, FaultyStorage faulty) => faulty.OnWrite = (_, _) =>
    {
        faulty.OnWrite = null;
        bench.Volume.GiveBackMemory();
        faulty.OnRead = (_, _) =>
        {
            faulty.OnRead = null;
            return Errno.EIO;
        };
        return Errno.Ok;
    };

    /// <summary>No commit of the timer's own: it would meet the fault, too.</summary>
    private static VolumeBench Make(string revision, string features, Func<IBlockStorage, IBlockStorage> wrap) =>
        new(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features, 16 << 20, wrap)
        {
            CommitInterval = TimeSpan.FromMinutes(10),
        };
}
