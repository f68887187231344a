using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 9 of the recordings: the mapping cache, and what write(2) returns for each notification.</summary>
public sealed class CacheTraces
{
    private const long StorageBytes = 64 << 20;
    private static readonly TwinOptions s_lenient = TwinOptions.V8 with { IsStrict = false };

    [Fact]
    public void Retrying_uses_the_record()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true, Retries = true });
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Expect("GX", "B(W) 0+100 -> RETRY", "E(W) 0+100 w=100 {U 0+4096 SC}");
    }

    [Fact]
    public void Retrying_without_a_fitting_record_goes_on_until_the_caller_dies()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.RetryForever },
            s_lenient with { MostRetries = 50 });
        long fd = mounted.Create("/f");
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EINTR, mounted.User.Pwrite(fd, Mounted.Bytes(100), 0));
        string[] lines = mounted.Lines();
        Assert.Equal(51, lines.Count(line => line == "B(W) 0+100 -> RETRY"));
        Assert.DoesNotContain(lines, line => line.StartsWith("E(", StringComparison.Ordinal));
    }

    [Fact]
    public void A_cached_hole_is_a_miss_for_writing()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true });
        long fd = mounted.Create("/f");
        mounted.User.Ftruncate(fd, 40960);
        mounted.User.Pread(fd, new byte[100], 0);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 0);
        mounted.Expect("GX", "B(W) 0+4096 -> U");
        mounted.User.Fsync(fd);
        mounted.Expect("K I[U|WB] 0+4096", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void A_write_fork_is_used_and_dropped()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 16384);
        RefNode node = mounted.Volume.Nodes.Values.Single(file => file.IsRegular);
        IomapWire.Upsert upsert = Upsert(mounted, node);
        upsert.Read = Record(0, 16384, 2, (ulong)(node.Blocks[0].Device * 4096));
        upsert.Write = Record(0, 8192, 2, 32 << 20);
        Assert.Equal(0, Send(mounted, upsert));
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 4096);
        mounted.Expect("GX");
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 8192);
        mounted.Expect("GX", "B(W) 8192+4096");
    }

    [Fact]
    public void One_record_more_than_the_limit_is_kept()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { CacheMaxBytes = 256 });
        long fd = mounted.Written("/f", 40 * 4096);
        RefNode node = mounted.Volume.Nodes.Values.Single(file => file.IsRegular);
        for (ulong index = 0; index < 10; index++)
        {
            IomapWire.Upsert upsert = Upsert(mounted, node);
            ulong offset = index * 8192;
            upsert.Read = Record(offset, 4096, 2, (ulong)(node.Blocks[(long)offset / 4096].Device * 4096));
            upsert.Write.Offset = offset;
            Assert.Equal(0, Send(mounted, upsert));
            Inodes.Inode inode = mounted.Kernel.Inodes.Find(node.Ino)!;
            Assert.Equal(index < 9 ? (int)index + 1 : 1, inode.Mappings!.Read.Records.Count);
        }
        mounted.User.Close(fd);
    }

    public static TheoryData<string, int> Upserts() => new()
    {
        { "ok", 0 }, { "hole", 0 }, { "inline", 0 }, { "delalloc", 0 }, { "nocache read", 0 }, { "unknown node", -116 },
        { "wrong ino", -22 }, { "unaligned offset", -117 }, { "unaligned length", -117 }, { "length 0", -117 },
        { "device 0", -117 }, { "unknown device", -117 }, { "address beyond", -117 }, { "end beyond", -117 },
        { "unknown type", -117 }, { "retry", -117 }, { "pure read", -117 }, { "hole with address 0", -117 },
        { "offset beyond s_maxbytes", -117 },
    };

    [Theory]
    [MemberData(nameof(Upserts))]
    public void What_an_upsert_returns(string what, int expected)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MaxBytes = 1L << 40 }, s_lenient);
        mounted.Create("/f");
        RefNode node = mounted.Volume.Nodes.Values.Single(file => file.IsRegular);
        IomapWire.Upsert upsert = Spoil(Upsert(mounted, node), what);
        Assert.Equal(expected, Send(mounted, upsert));
    }

    [Theory]
    [InlineData(0UL, 4096UL, 0)]
    [InlineData(0UL, 0UL, 0)]
    [InlineData(0UL, ulong.MaxValue, 0)]
    [InlineData(100UL, 4096UL, -117)]
    [InlineData(100UL, ulong.MaxValue, -117)]
    [InlineData(0UL, 100UL, -117)]
    [InlineData(1UL << 40, 4096UL, -117)]
    public void What_an_invalidation_returns(ulong offset, ulong length, int expected)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MaxBytes = 1L << 40 }, s_lenient);
        mounted.Create("/f");
        RefNode node = mounted.Volume.Nodes.Values.Single(file => file.IsRegular);
        Assert.Equal(expected, mounted.Server.Invalidate(node, offset, length));
        Assert.Equal(-116, mounted.Server.Invalidate(new RefNode(99), 0, 4096));
    }

    [Theory]
    [InlineData(1u, 0u, 4096UL, 4096UL, 0)]
    [InlineData(1u, 0u, 100UL, 100UL, 0)]
    [InlineData(1u, 0u, 0UL, 0UL, 0)]
    [InlineData(1u, 0u, StorageBytes - 4096, 1UL << 30, 0)]
    [InlineData(0u, 0u, 0UL, 4096UL, -22)]
    [InlineData(1u, 1u, 0UL, 4096UL, -22)]
    [InlineData(1u, 0u, StorageBytes, 4096UL, -22)]
    [InlineData(1u, 0u, 4096UL, ulong.MaxValue, -22)]
    [InlineData(77u, 0u, 0UL, 4096UL, -19)]
    public void What_dropping_a_device_range_returns(uint device, uint reserved, ulong offset, ulong length, int expected)
    {
        using var mounted = new Mounted(options: s_lenient);
        byte[] body = WireBytes.Of(new IomapWire.BackingInvalidate
        {
            Device = device, Reserved = reserved, Offset = offset, Length = length,
        });
        Assert.Equal(expected, mounted.Server.Notify(NotifyCode.BackingInval, body));
    }

    [Fact]
    public void Other_notifications()
    {
        using var mounted = new Mounted(options: s_lenient);
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        RefNode node = mounted.Volume.Nodes.Values.Single(file => file.IsRegular);
        Assert.Equal(-95, mounted.Server.Notify(NotifyCode.Store, new byte[24]));
        Assert.Equal(-95, mounted.Server.Notify(NotifyCode.Retrieve, new byte[40]));
        Assert.Equal(-22, mounted.Server.Notify(NotifyCode.UpsertMappings, new byte[72]));
        byte[] body = WireBytes.Of(new IomapWire.InvalInode { NodeId = node.Ino, Length = -1 });
        Assert.Equal(0, mounted.Server.Notify(NotifyCode.InvalInode, body));
        // Dirty data is neither written nor dropped.
        mounted.Expect();
        byte[] back = new byte[100];
        mounted.User.Pread(fd, back, 0);
        Assert.Equal(Mounted.Bytes(100), back);
    }

    [Fact]
    public void Failing_upserts_change_nothing()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true, Retries = true });
        mounted.Kernel.Faults.OnNotification = (_, count) => count % 3 == 0 ? Errno.ENOMEM
            : count % 3 == 1 ? Errno.ESTALE : Errno.Ok;
        long fd = mounted.Create("/f");
        for (int round = 0; round < 20; round++)
        {
            Assert.Equal(5000, mounted.User.Pwrite(fd, Mounted.Bytes(5000, round), round * 5000));
            mounted.User.DropCache(fd);
        }
        byte[] back = new byte[5000];
        mounted.User.Pread(fd, back, 19 * 5000);
        Assert.Equal(Mounted.Bytes(5000, 19), back);
    }

    private static IomapWire.Upsert Upsert(Mounted mounted, RefNode node) => new()
    {
        NodeId = node.Ino,
        AttrIno = node.Ino,
        Read = Record(0, 4096, 2, 16 << 20),
        Write = new IomapWire.Record
        {
            Length = 4096, Address = ulong.MaxValue, Type = mounted.Options.Revision.NoCache,
        },
    };

    private static IomapWire.Record Record(ulong offset, ulong length, ushort type, ulong address) =>
        new() { Offset = offset, Length = length, Type = type, Address = address, Device = 1 };

    private static int Send(Mounted mounted, in IomapWire.Upsert upsert) =>
        mounted.Server.Notify(NotifyCode.UpsertMappings, WireBytes.Of(upsert));

    private static IomapWire.Upsert Spoil(IomapWire.Upsert upsert, string what)
    {
        var empty = new IomapWire.Record { Length = 4096, Address = ulong.MaxValue };
        switch (what)
        {
            case "hole":
                upsert.Read = empty;
                break;
            case "inline" or "delalloc" or "nocache read" or "retry" or "pure read":
                upsert.Read = empty;
                upsert.Read.Type = what switch
                {
                    "inline" => 4, "delalloc" => 1, "nocache read" => 253, "retry" => 254, _ => 255,
                };
                break;
            case "unknown node":
                upsert.NodeId = 99;
                break;
            case "wrong ino":
                upsert.AttrIno = 99;
                break;
            case "unaligned offset":
                upsert.Read.Offset = 100;
                break;
            case "unaligned length" or "length 0":
                upsert.Read.Length = what == "length 0" ? 0u : 100;
                break;
            case "device 0" or "unknown device":
                upsert.Read.Device = what == "device 0" ? 0u : 77;
                break;
            case "address beyond" or "end beyond":
                upsert.Read.Address = (ulong)StorageBytes - (what == "end beyond" ? 2048u : 0);
                break;
            case "unknown type":
                upsert.Read.Type = 99;
                break;
            case "hole with address 0":
                upsert.Read = empty with { Address = 0 };
                break;
            case "offset beyond s_maxbytes":
                upsert.Read.Offset = 1UL << 40;
                break;
        }
        return upsert;
    }
}
