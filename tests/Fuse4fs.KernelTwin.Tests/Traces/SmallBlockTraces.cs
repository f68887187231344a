using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 15 of the recordings: blocks smaller than a page.</summary>
public sealed class SmallBlockTraces
{
    private static readonly RefPolicy s_small = RefPolicy.Recorded with { BlockSize = 1024 };

    [Fact]
    public void The_rest_of_the_page_is_asked_for()
    {
        using var mounted = new Mounted(s_small);
        long fd = mounted.Written("/f", 5100);
        mounted.User.Pread(fd, new byte[100], 0);
        mounted.Expect("B(R) 0+8192 -> M 0+5120", "B(R) 5120+3072 -> H");
    }

    [Fact]
    public void Dirty_blocks_of_one_page()
    {
        using var mounted = new Mounted(s_small);
        long fd = mounted.Create("/f");
        mounted.User.Fallocate(fd, 0, 0, 4096);
        mounted.User.Fsync(fd);
        mounted.User.Pwrite(fd, Mounted.Bytes(1024), 0);
        mounted.User.Pwrite(fd, Mounted.Bytes(2048), 2048);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+1024 -> U 0+4096", "K I[U|WB] 0+1024", "K I[U|WB] 2048+2048", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void Appending()
    {
        using var mounted = new Mounted(s_small);
        long fd = mounted.Written("/f", 100);
        mounted.User.Pwrite(fd, Mounted.Bytes(5000), 100);
        mounted.Expect("GX", "B(W) 100+5000 -> M 0+1024", "E(W) 100+924", "B(W) 1024+4076 -> U", "E(W) 1024+4076");
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+4096 -> M 0+1024", "B(WB) 1024+3072 -> U", "K I[A|WB] 0+1024", "K I[U|A|WB] 1024+4076",
            "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void Truncating()
    {
        using var mounted = new Mounted(s_small);
        long fd = mounted.Written("/f", 20000);
        mounted.User.Ftruncate(fd, 5000);
        mounted.ExpectWithoutGx("B(Z) 5000+120 -> M", "B(WB) 4096+1024 -> M", "SA(0x668) size 5000");
        mounted.User.Ftruncate(fd, 8192);
        mounted.ExpectWithoutGx("B(Z) 5000+3192 -> M 0+5120", "B(Z) 5120+3072 -> H", "B(WB) 4096+1024 -> M",
            "K I[A|WB] 4096+1024", "SA(0x668) size 8192");
    }

    [Fact]
    public void A_fault_takes_the_whole_page()
    {
        using var mounted = new Mounted(s_small);
        long fd = mounted.Create("/f");
        mounted.User.Ftruncate(fd, 8192);
        TwinMap map = mounted.User.Mmap(fd, isWritable: true)!;
        mounted.Quiet();
        Assert.True(mounted.User.Store(map, 10, [1]));
        mounted.Expect("B(R) 0+8192 -> H", "B(W|FAULT) 0+4096 -> U 0+4096");
        mounted.User.Msync(map);
        mounted.Expect("B(WB) 0+4096 -> U", "K I[U|WB] 0+4096", "SA(T)", "FSYNC 1");
    }

    [Fact]
    public void Direct_io_by_sectors()
    {
        using var mounted = new Mounted(s_small);
        long fd = mounted.Written("/f", 4096, OpenFlags.Direct);
        Assert.Equal(512, mounted.User.Pwrite(fd, new byte[512], 512));
        mounted.Expect("GX", "B(W|DIR) 512+512 -> M");
    }
}
