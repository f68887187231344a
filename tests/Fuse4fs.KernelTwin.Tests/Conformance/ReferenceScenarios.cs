using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Conformance;

/// <summary>Scenarios that need more than a mount: a device that fails, a server that moves blocks.</summary>
internal static class ReferenceScenarios
{
    public static IReadOnlyList<Scenario> For(FaultyStorage storage, RefPolicy policy) =>
    [
        new("blocks that move", Move),
        new("a device that fails", bench => Fail(bench, storage)),
        new("atomic writes", bench => WriteAtomically(bench, policy)),
    ];

    private static void Move(Bench bench)
    {
        byte[] data = Bench.Bytes(100_000, 1);
        long fd = bench.Create("/moving");
        bench.Write(fd, data, 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.DropCache(fd);
        bench.Compare(fd, data, "before the move");
        Bench.Equal(0L, bench.User.Ioctl(fd, RefServer.Relocate, [], 0).Result, "ioctl");
        long other = bench.Create("/moved-in");
        bench.Write(other, Bench.Bytes(100_000, 2), 0);
        Bench.Equal(0, bench.User.Fsync(other), "fsync");
        bench.Write(fd, Bench.Bytes(5000, 3), 50_000);
        Bench.Bytes(5000, 3).CopyTo(data, 50_000);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        bench.User.Close(other);
        bench.Holds("/moving", data);
        bench.Holds("/moved-in", Bench.Bytes(100_000, 2));
    }

    private static void Fail(Bench bench, FaultyStorage storage)
    {
        long fd = bench.Create("/failing");
        Bench.Equal(0, bench.User.Fallocate(fd, 0, 0, 65536), "fallocate");
        bench.Write(fd, Bench.Bytes(4096, 1), 8192);
        storage.OnWrite = (_, _) => Errno.EIO;
        Bench.Equal(-(long)Errno.EIO, bench.User.Fsync(fd), "fsync of what could not be written");
        storage.OnWrite = null;
        Bench.Equal(0, bench.User.Fsync(fd), "the error is reported once");
        bench.User.DropCache(fd);
        bench.Compare(fd, new byte[65536], "unwritten after the error");
        bench.User.Close(fd);
    }

    private static void WriteAtomically(Bench bench, RefPolicy policy)
    {
        if ((policy.FileFlags & AttributeFlags.Atomic) == 0)
        {
            return;
        }
        long fd = bench.Open("/atomic", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Direct);
        bench.User.Pwrite(fd, new UserBuffer(new byte[bench.BlockSize]), 0, WriteFlags.Atomic);
        bench.User.Close(fd);
    }
}
