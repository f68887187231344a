using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 11 of the recordings.</summary>
public sealed class InlineTraces
{
    private static readonly RefPolicy s_inline = RefPolicy.Recorded with { IsInline = true };

    [Fact]
    public void Reading_and_writing()
    {
        using var mounted = new Mounted(s_inline);
        long fd = Small(mounted, 5);
        Assert.Equal(5, mounted.User.Pread(fd, new byte[100], 0));
        mounted.Expect("B(R) 0+4096 -> N 0+4096", "READ 0+4096");
        mounted.User.Pwrite(fd, Mounted.Bytes(5), 0);
        mounted.Expect("GX", "B(W) 0+5 -> N", "WRITE 0+5");
        mounted.User.Fsync(fd);
        mounted.Expect("SA(T)", "FSYNC 0");
    }

    [Fact]
    public void Writing_beyond_the_end()
    {
        using var mounted = new Mounted(s_inline);
        long fd = Small(mounted, 105);
        mounted.User.Pread(fd, new byte[1], 0);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 1000);
        mounted.Expect("B(Z) 105+895 -> N", "WRITE 105+895", "GX", "B(W) 1000+10 -> N", "WRITE 1000+10");
    }

    [Fact]
    public void Truncating()
    {
        using var mounted = new Mounted(s_inline);
        long fd = Small(mounted, 1010);
        mounted.User.Pread(fd, new byte[1], 0);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 50);
        mounted.Expect("GX", "B(Z) 50+4046 -> N", "WRITE 50+4046", "SA(0x668) size 50");
        mounted.User.Ftruncate(fd, 500);
        mounted.Expect("GX", "B(Z) 50+450 -> N", "WRITE 50+450", "SA(0x668) size 500");
    }

    [Fact]
    public void Outgrowing_the_block()
    {
        using var mounted = new Mounted(s_inline);
        long fd = Small(mounted, 500);
        mounted.User.Pread(fd, new byte[1], 0);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(500), 4000);
        mounted.Expect("B(Z) 500+3500 -> N", "WRITE 500+3500", "GX", "B(W) 4000+500 -> M 0+4096", "E(W) 4000+96 w=96",
            "B(W) 4096+404 -> U", "E(W) 4096+404 w=404");
    }

    [Fact]
    public void Direct_and_mapped()
    {
        using var mounted = new Mounted(s_inline);
        long fd = Small(mounted, 512);
        long direct = mounted.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.Direct);
        mounted.Quiet();
        Assert.Equal(512, mounted.User.Pread(direct, new byte[512], 0));
        mounted.Expect("B(DIR) 0+512 -> N", "READ 0+512");
        Assert.Equal(512, mounted.User.Pwrite(direct, new byte[512], 0));
        mounted.Expect("GX", "B(W|DIR) 0+512 -> N", "WRITE 0+512");
        TwinMap map = mounted.User.Mmap(fd, isWritable: true)!;
        Assert.True(mounted.User.Store(map, 0, [1]));
        mounted.Expect("B(R) 0+4096 -> N", "READ 0+4096", "B(W|FAULT) 0+512 -> M");
    }

    [Fact]
    public void A_cached_record_needs_no_begin()
    {
        using var mounted = new Mounted(s_inline with { Upserts = true });
        long fd = Small(mounted, 5);
        mounted.User.Pread(fd, new byte[5], 0);
        mounted.User.DropCache(fd);
        mounted.Quiet();
        mounted.User.Pread(fd, new byte[5], 0);
        mounted.Expect("READ 0+4096");
        mounted.User.Pwrite(fd, Mounted.Bytes(5), 0);
        mounted.Expect("GX", "WRITE 0+5");
        mounted.User.Pwrite(fd, Mounted.Bytes(5), 0);
        mounted.Expect("GX", "B(W) 0+5", "WRITE 0+5");
    }

    [Fact]
    public void Small_blocks()
    {
        using var mounted = new Mounted(s_inline with { BlockSize = 1024 });
        long fd = Small(mounted, 5);
        Assert.Equal(5, mounted.User.Pread(fd, new byte[100], 0));
        mounted.Expect("B(R) 0+4096 -> N 0+1024", "READ 0+4096", "B(R) 1024+3072 -> H");
    }

    private static long Small(Mounted mounted, int size)
    {
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(size), 0);
        mounted.User.Fsync(fd);
        mounted.User.DropCache(fd);
        mounted.User.Stat("/");
        mounted.Quiet();
        return fd;
    }
}
