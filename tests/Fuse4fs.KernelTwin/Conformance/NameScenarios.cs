using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>Names, attributes, lifetimes.</summary>
internal static class NameScenarios
{
    private const uint UserPermissions = 0x1C0;

    public static void RenameAndLink(Bench bench)
    {
        Bench.Equal(0, bench.User.Mkdir("/a"), "mkdir");
        Bench.Equal(0, bench.User.Mkdir("/b"), "mkdir");
        long fd = bench.Create("/a/one");
        bench.Write(fd, Bench.Bytes(100, 1), 0);
        bench.User.Close(fd);
        fd = bench.Create("/b/two");
        bench.Write(fd, Bench.Bytes(200, 2), 0);
        bench.User.Close(fd);
        Bench.Equal(0, bench.User.Rename("/a/one", "/b/two"), "rename");
        Bench.Equal(-(long)Errno.ENOENT, bench.User.Stat("/a/one").Error, "the old name");
        bench.Holds("/b/two", Bench.Bytes(100, 1));
        Bench.Equal(0, bench.User.Link("/b/two", "/a/three"), "link");
        Bench.Equal(2u, bench.User.Stat("/a/three").Stat!.Nlink, "links");
        Bench.Equal(0, bench.User.Symlink("../b/two", "/a/link"), "symlink");
        Bench.Equal("../b/two", bench.User.Readlink("/a/link").Target, "readlink");
        bench.Holds("/a/link", Bench.Bytes(100, 1));
        Bench.Equal(0, bench.User.Unlink("/b/two"), "unlink");
        bench.Kernel.DropCaches(inodes: true);
        Bench.Equal(-(long)Errno.ENOENT, bench.User.Stat("/a/one").Error, "the old name after dropping caches");
        Bench.Equal(-(long)Errno.ENOTEMPTY, bench.User.Rmdir("/a"), "rmdir of a full directory");
        Bench.Equal(0, bench.User.Rmdir("/b"), "rmdir");
        bench.Remount();
        bench.Holds("/a/three", Bench.Bytes(100, 1));
        (long error, IReadOnlyList<string> names) = bench.User.Readdir("/a");
        Bench.Equal(0, error, "readdir");
        Bench.Equal("link three", string.Join(' ', names.Where(name => !name.StartsWith('.')).Order()), "names");
    }

    public static void AttributesPersist(Bench bench)
    {
        long fd = bench.Create("/attr");
        bench.Write(fd, Bench.Bytes(5000, 1), 0);
        bench.User.Close(fd);
        var atime = new Timestamp(1_000_000_000, 5);
        var mtime = new Timestamp(1_100_000_000, 7);
        Bench.Equal(0, bench.User.Chmod("/attr", 0x180), "chmod");
        Bench.Equal(0, bench.User.Chown("/attr", 12, 34), "chown");
        Bench.Equal(0, bench.User.Utimens("/attr", (atime, mtime)), "utimensat");
        Timestamp ctime = bench.User.Stat("/attr").Stat!.Ctime;
        bench.Remount();
        TwinStat stat = bench.User.Stat("/attr").Stat!;
        Bench.Equal(0x180u, stat.Mode & 0xFFF, "mode");
        Bench.Equal((12u, 34u), (stat.Uid, stat.Gid), "owner");
        Bench.Equal((atime, mtime, ctime), (stat.Atime, stat.Mtime, stat.Ctime), "times");
    }

    /// <summary>mtime is the kernel's: what a write set is there after a mount, and in every reply on the way.</summary>
    public static void WriteTimes(Bench bench)
    {
        long fd = bench.Create("/times");
        bench.Write(fd, Bench.Bytes(10_000, 1), 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        TwinStat before = bench.User.Fstat(fd).Stat!;
        bench.Write(fd, Bench.Bytes(10_000, 2), 20_000);
        bench.User.Close(fd);
        TwinStat after = bench.User.Stat("/times").Stat!;
        Bench.Equal(true, after.Mtime > before.Mtime, "mtime moved");
        bench.Remount();
        Bench.Equal(after.Mtime, bench.User.Stat("/times").Stat!.Mtime, "mtime");
    }

    public static void StripsSetUid(Bench bench)
    {
        long fd = bench.Create("/suid");
        bench.Write(fd, Bench.Bytes(100, 1), 0);
        bench.User.Close(fd);
        Bench.Equal(0, bench.User.Chmod("/suid", 0x800 | 0x1FF), "chmod");
        PosixDriver other = bench.Kernel.Process(1000, 1000);
        long open = other.Open("/suid", Files.OpenFlags.ReadWrite);
        Bench.Equal(true, open >= 0, $"open: {open}");
        Bench.Equal(10, other.Pwrite(open, Bench.Bytes(10, 2), 0), "write");
        other.Close(open);
        bench.Remount();
        Bench.Equal(0x1FFu, bench.User.Stat("/suid").Stat!.Mode & 0xFFF, "mode");
    }

    public static void Permissions(Bench bench)
    {
        long fd = bench.User.Open("/private", Files.OpenFlags.ReadWrite | Files.OpenFlags.Create, UserPermissions);
        bench.User.Close(fd);
        PosixDriver other = bench.Kernel.Process(1000, 1000);
        Bench.Equal(-(long)Errno.EACCES, other.Open("/private", Files.OpenFlags.ReadOnly), "open");
        Bench.Equal(-(long)Errno.EACCES, other.Unlink("/private"), "unlink");
        Bench.Equal(-(long)Errno.EPERM, other.Chmod("/private", 0x1FF), "chmod");
    }

    /// <summary>Inodes come and go in the kernel; a number is not another file while it is known.</summary>
    public static void Lifetimes(Bench bench)
    {
        for (int round = 0; round < 5; round++)
        {
            long fd = bench.Create($"/life{round}");
            bench.Write(fd, Bench.Bytes(9000, round), 0);
            long kept = bench.Open($"/life{round}");
            bench.User.Close(fd);
            if (round % 2 == 0)
            {
                Bench.Equal(0, bench.User.Unlink($"/life{round}"), "unlink");
                long next = bench.Create($"/next{round}");
                bench.Write(next, Bench.Bytes(9000, round + 50), 0);
                bench.User.Close(next);
            }
            bench.Compare(kept, Bench.Bytes(9000, round), $"life{round}");
            bench.User.Close(kept);
            bench.Kernel.DropCaches(inodes: round % 3 == 0);
        }
        bench.Holds("/life1", Bench.Bytes(9000, 1));
        bench.Holds("/next2", Bench.Bytes(9000, 52));
        bench.Remount();
        bench.Holds("/life3", Bench.Bytes(9000, 3));
    }

    public static void FreezeAndSync(Bench bench)
    {
        long fd = bench.Create("/frozen");
        byte[] data = Bench.Bytes(20_000, 1);
        bench.Write(fd, data, 0);
        Bench.Equal(0, bench.User.Syncfs(), "syncfs");
        bench.Write(fd, data, 20_000);
        Bench.Equal(0, bench.User.Freeze(), "freeze");
        Bench.Equal(0, bench.User.Thaw(), "thaw");
        bench.User.Close(fd);
        bench.Holds("/frozen", [.. data, .. data]);
    }
}
