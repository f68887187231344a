using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 4 of the recordings.</summary>
public sealed class ReadTraces
{
    [Theory]
    [InlineData(5100, 0, 100, "B(R) 0+8192 -> M")]
    [InlineData(100_000, 0, 4096, "B(R) 0+16384 -> M")]
    [InlineData(100_000, 40_960, 4096, "B(R) 40960+4096 -> M")]
    public void A_cold_read(int size, long offset, int length, string expected)
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", size);
        mounted.User.Pread(fd, new byte[length], offset);
        mounted.Expect(expected);
    }

    [Fact]
    public void Sequential_reading_asks_once_for_each_window()
    {
        using var mounted = new Mounted();
        const int Size = 8 << 20;
        const int Chunk = 131072;
        long fd = mounted.Written("/f", Size);
        for (int at = 0; at < Size; at += Chunk)
        {
            mounted.User.Pread(fd, new byte[Chunk], at);
        }
        mounted.Expect([.. Enumerable.Range(0, Size / Chunk).Select(index => $"B(R) {index * Chunk}+{Chunk} -> M")]);
    }

    [Fact]
    public void A_larger_window_grows()
    {
        using var mounted = new Mounted(options: TwinOptions.V8 with { ReadAheadBytes = 4 << 20 });
        const int Size = 16 << 20;
        long fd = mounted.Written("/f", Size);
        for (int at = 0; at < Size; at += 131072)
        {
            mounted.User.Pread(fd, new byte[131072], at);
        }
        string[] lines = mounted.Lines();
        Assert.StartsWith("B(R) 0+524288 ", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("+4194304 ", StringComparison.Ordinal));
        Assert.InRange(lines.Length, 6, 8);
    }

    [Fact]
    public void The_rest_of_a_batch_is_asked_with_the_rest_of_its_count()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MostAnsweredBlocks = 16 });
        long fd = mounted.Written("/f", 131072);
        mounted.User.Pread(fd, new byte[131072], 0);
        mounted.Expect("B(R) 0+131072 -> M 0+65536", "B(R) 65536+65536 -> M 65536+65536");
    }

    [Fact]
    public void Cached_pages_need_nothing()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 5000);
        mounted.User.Pread(fd, new byte[100], 0);
        mounted.Quiet();
        mounted.User.Pread(fd, new byte[100], 0);
        mounted.Expect();
    }

    [Fact]
    public void One_upsert_serves_until_the_inode_is_evicted()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true });
        long fd = mounted.Written("/f", 4 << 20);
        byte[] all = new byte[4 << 20];
        mounted.User.Pread(fd, all, 0);
        Assert.Single(mounted.Lines());
        mounted.User.DropCache(fd);
        mounted.User.Pread(fd, all, 0);
        mounted.Expect();
        mounted.User.Close(fd);
        mounted.Kernel.DropCaches(inodes: true);
        mounted.Quiet();
        fd = mounted.User.Open("/f", OpenFlags.ReadWrite);
        mounted.User.Pread(fd, all, 0);
        mounted.Expect("LOOKUP f", "OPEN 0x8002", "B(R) 0+131072");
    }

    [Fact]
    public void Without_keep_cache_each_open_drops_the_pages()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { OpenReply = OpenReplyFlags.None });
        long fd = mounted.Written("/f", 5000);
        mounted.User.Pread(fd, new byte[100], 0);
        mounted.Quiet();
        long second = mounted.User.Open("/f", OpenFlags.ReadOnly);
        mounted.User.Pread(second, new byte[100], 0);
        mounted.Expect("OPEN 0x8000", "B(R) 0+8192");
    }

    [Fact]
    public void A_page_that_is_there_is_skipped()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Fallocate(fd, 0, 0, 1 << 20);
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 4096);
        mounted.Quiet();
        mounted.User.Pread(fd, new byte[12288], 0);
        // How far the second goes is a matter of read-ahead; where it begins is not.
        string[] lines = mounted.Lines();
        Assert.StartsWith("B(R) 0+4096 ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("B(R) 8192+", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_read_is_tried_for_the_page_and_then_is_eio()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100_000);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapBegin ? Errno.ENOSPC : Errno.Ok;
        Assert.Equal(-(long)Errno.EIO, mounted.User.Pread(fd, new byte[4096], 0));
        mounted.Expect("B(R) 0+16384 => ENOSPC", "B(R) 0+4096 => ENOSPC");
        int begins = 0;
        mounted.Server.Fault = (opcode, _) =>
            opcode == Opcode.IomapBegin && ++begins == 1 ? Errno.EIO : Errno.Ok;
        Assert.Equal(4096, mounted.User.Pread(fd, new byte[4096], 0));
    }

    [Fact]
    public void Seek_asks_for_reports()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 65536);
        mounted.User.Fsync(fd);
        mounted.Quiet();
        Assert.Equal(65536, mounted.User.SeekData(fd, 0));
        mounted.Expect("B(RPT) 0+69632 -> H", "B(RPT) 65536+4096 -> M");
        Assert.Equal(-(long)Errno.ENXIO, mounted.User.SeekData(fd, 1 << 20));
        mounted.Expect();
        mounted.Server.Fault = (opcode, _) =>
            opcode is Opcode.IomapBegin or Opcode.Lseek ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(4096, mounted.User.SeekData(fd, 4096));
        mounted.Expect("B(RPT) 4096+65536 => ENOSYS", "LSEEK 4096 => ENOSYS");
    }

    [Fact]
    public void Dirty_unwritten_and_delayed_blocks_are_data()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Delays = true });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 8192);
        Assert.Equal(8192, mounted.User.SeekData(fd, 0));
        mounted.User.Fallocate(fd, 0, 65536, 4096);
        Assert.Equal(12288, mounted.User.SeekHole(fd, 8192));
    }

    [Fact]
    public void Fiemap_goes_on_to_the_largest_file()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MaxBytes = 1L << 40 });
        long fd = mounted.Written("/f", 8192);
        mounted.User.Fiemap(fd, 0, long.MaxValue);
        mounted.Expect("B(RPT) 0+1099511627776 -> M 0+8192", "B(RPT) 8192+1099511619584 -> H");
        mounted.User.Fiemap(fd, 4096, 4096);
        mounted.Expect("B(RPT) 4096+4096 -> M");
        mounted.User.Fibmap(fd, 0);
        mounted.Expect("B(RPT) 0+4096 -> M");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 8192);
        mounted.Quiet();
        mounted.User.Fiemap(fd, 0, 4096, syncs: true);
        mounted.Expect("B(WB) 8192+4096 -> U", "K I[U|A|WB] 8192+100", "B(RPT) 0+4096");
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void Reports_use_the_cache_in_v8_only(bool isV8, int requests)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true },
            isV8 ? TwinOptions.V8 : TwinOptions.V9);
        long fd = mounted.Written("/f", 8192);
        mounted.User.Pread(fd, new byte[100], 0);
        mounted.Quiet();
        mounted.User.Fiemap(fd, 0, 8192);
        Assert.Equal(requests, mounted.Lines().Length);
    }
}
