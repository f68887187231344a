using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Protocol;

/// <summary>A mapping that breaks a rule is not sent: the request gets EIO, an upload is refused.</summary>
public sealed class RuleTests
{
    private const long DeviceBytes = 1 << 30;
    private const long Block = 4096;
    private static readonly BackingId s_device = new(1);
    private static readonly BackingId s_set = new(2048);
    private static readonly Mapping s_good = Mapping.Written(8192, 65536, s_device, 1 << 20);

    public static TheoryData<string, IomapOperation, Mapping, Mapping?> BrokenReplies() => new()
    {
        { "unknown kind", IomapOperation.None, s_good with { Kind = (MappingKind)77 }, null },
        { "flag of the kernel", IomapOperation.None, s_good with { Flags = MappingFlags.SizeChanged }, null },
        { "zone append", IomapOperation.Write, s_good with { Flags = MappingFlags.AnonymousWrite }, null },
        { "no length", IomapOperation.None, s_good with { Length = 0 }, null },
        { "negative length", IomapOperation.None, s_good with { Length = -4096 }, null },
        { "odd length", IomapOperation.None, s_good with { Length = 5000 }, null },
        { "odd offset", IomapOperation.None, s_good with { Offset = 8193 }, null },
        { "negative offset", IomapOperation.None, s_good with { Offset = -4096 }, null },
        { "beyond the largest file", IomapOperation.None, Mapping.Hole(8192, long.MaxValue - 4095), null },
        { "misses the offset", IomapOperation.None, s_good with { Offset = 16384 }, null },
        { "ends before the offset", IomapOperation.None, s_good with { Offset = 4096, Length = 4096 }, null },
        { "no device", IomapOperation.None, s_good with { Device = BackingId.None }, null },
        { "no address", IomapOperation.None, s_good with { Address = Mapping.NoAddress }, null },
        { "negative address", IomapOperation.None, s_good with { Address = -4096 }, null },
        { "unknown device", IomapOperation.None, s_good with { Device = new BackingId(7) }, null },
        { "beyond the device", IomapOperation.None, s_good with { Address = DeviceBytes - 4096 }, null },
        { "within a sector", IomapOperation.None, s_good with { Address = 100 }, null },
        { "stripes on v8", IomapOperation.None, s_good with { Device = s_set }, null },
        { "hole with address 0", IomapOperation.None, Mapping.Hole(8192, 4096) with { Address = 0 }, null },
        { "hole with a device", IomapOperation.None, Mapping.Hole(8192, 4096) with { Device = s_device }, null },
        { "inline elsewhere", IomapOperation.None, Mapping.Inline(Block) with { Offset = 8192 }, null },
        { "overwrite as source", IomapOperation.None, Bare(MappingKind.PureOverwrite), null },
        { "no-cache", IomapOperation.None, Bare(MappingKind.NoCache), null },
        { "no-cache as target", IomapOperation.None, s_good, Bare(MappingKind.NoCache) },
        { "target misses", IomapOperation.None, s_good, Bare(MappingKind.PureOverwrite) with { Offset = 65536 } },
        { "overwrite with flags", IomapOperation.Write, s_good,
            Bare(MappingKind.PureOverwrite) with { Flags = MappingFlags.New } },
        { "hole for write-back", IomapOperation.WriteBack, Mapping.Hole(8192, 4096), null },
        { "delayed for write-back", IomapOperation.WriteBack, Mapping.Delayed(8192, 4096), null },
        { "hole for a write", IomapOperation.Write, Mapping.Hole(8192, 4096), null },
        { "hole for a direct write", IomapOperation.Write | IomapOperation.Direct, Mapping.Hole(8192, 4096), null },
        { "delayed for a direct write", IomapOperation.Write | IomapOperation.Direct, Mapping.Delayed(8192, 4096), null },
        { "delayed for a direct read", IomapOperation.Direct, Mapping.Delayed(8192, 4096), null },
        { "not atomic", IomapOperation.Write | IomapOperation.Direct | IomapOperation.Atomic, s_good, null },
        { "hole as target", IomapOperation.Write, s_good, Mapping.Hole(8192, 4096) },
    };

    public static TheoryData<string, IomapOperation, Mapping, Mapping?> GoodReplies() => new()
    {
        { "read", IomapOperation.None, s_good, null },
        { "hole to the end", IomapOperation.None, Mapping.Hole(8192, long.MaxValue - 8191 - 4096), null },
        { "hole for zeroing", IomapOperation.Zero, Mapping.Hole(8192, 4096), null },
        { "hole for a report", IomapOperation.Report, Mapping.Hole(8192, 4096), null },
        { "delayed for a write", IomapOperation.Write, Mapping.Delayed(8192, 4096), null },
        { "unwritten for write-back", IomapOperation.WriteBack, Mapping.Unwritten(8192, 4096, s_device, 0), null },
        { "atomic", IomapOperation.Write | IomapOperation.Direct | IomapOperation.Atomic,
            s_good with { Flags = MappingFlags.AtomicDevice }, null },
        { "out of place", IomapOperation.Write, s_good, s_good with { Address = 1 << 24, Flags = MappingFlags.Shared } },
        { "hole as source", IomapOperation.Write, Mapping.Hole(8192, 4096),
            s_good with { Flags = MappingFlags.New } },
    };

    [Theory]
    [MemberData(nameof(BrokenReplies))]
    public void A_broken_reply_is_not_sent(string name, IomapOperation operation, Mapping source, Mapping? target)
        => Assert.True(Answer(operation, source, target, out _) == Errno.InputOutput, name);

    [Theory]
    [MemberData(nameof(GoodReplies))]
    public void A_good_reply_is_sent(string name, IomapOperation operation, Mapping source, Mapping? target)
    {
        Assert.True(Answer(operation, source, target, out IomapBeginOut reply) == Errno.Ok, name);
        Assert.Equal((ulong)source.Offset, reply.Read.Offset);
        Assert.Equal(target is null ? (ushort)255 : reply.Write.Type, reply.Write.Type);
    }

    /// <summary>Compared byte by byte with the example that the protocol's description works out.</summary>
    [Fact]
    public void The_bytes_are_those_of_the_description()
    {
        var kernel = new QueueKernel { StripeAnswer = Errno.Invalid };
        Mapping mapping = Mapping.Written(8192, 65536, s_device, 0x1000000);
        using FuseSession session = Start(kernel, (in BeginRequest _, ref BeginReply reply) =>
        {
            reply.SetInPlace(mapping);
            return Errno.Ok;
        }, out ScriptedIomap script);
        kernel.Enqueue(Opcode.IomapBegin, 0x1A2, 12, new IomapBeginIn { Inode = 12, Position = 9000, Count = 16384 });
        SpinWait.SpinUntil(() => kernel.Replies.ContainsKey(0x1A2), TimeSpan.FromSeconds(60));
        using (MappingBatch batch = script.Connection!.RentBatch())
        {
            batch.Start(new FileIdentity(12, 12));
            Assert.Equal(Errno.Ok, batch.Add(in mapping));
            Assert.Equal(Errno.Ok, batch.Send());
        }
        kernel.End();
        Assert.Equal(
            "50000000" + "00000000" + "A201000000000000"
            + "0020000000000000" + "0000010000000000" + "0000000100000000" + "0200000001000000"
            + "0020000000000000" + "0000010000000000" + "FFFFFFFFFFFFFFFF" + "FFFF000000000000",
            Convert.ToHexString(kernel.Replies[0x1A2].Single()));
        Assert.Equal(
            "60000000" + "64000000" + "0000000000000000" + "0C00000000000000" + "0C00000000000000"
            + "0020000000000000" + "0000010000000000" + "0000000100000000" + "0200000001000000"
            + "0020000000000000" + "0000010000000000" + "FFFFFFFFFFFFFFFF" + "FDFF000000000000",
            Convert.ToHexString(kernel.Notifications.Single()));
    }

    [Fact]
    public void A_broken_mapping_is_not_uploaded()
    {
        var kernel = new QueueKernel { StripeAnswer = Errno.Invalid };
        using FuseSession session = Start(kernel, null, out ScriptedIomap script);
        using MappingBatch batch = script.Connection!.RentBatch();
        batch.Start(new FileIdentity(12, 12));
        foreach (Mapping broken in new[]
        {
            s_good with { Length = 100 }, s_good with { Address = DeviceBytes }, s_good with { Device = s_set },
            Bare(MappingKind.NoCache), Bare(MappingKind.PureOverwrite), Mapping.Hole(8192, 4096) with { Address = 0 },
        })
        {
            Assert.Equal(Errno.Invalid, batch.Add(in broken));
        }
        Assert.Equal(0, batch.Count);
        Assert.Equal(Errno.Invalid, script.Connection.Invalidate(new FileIdentity(12, 12), 100, 4096));
        Assert.Empty(kernel.Notifications);
        kernel.End();
    }

    [Theory]
    [InlineData(1u << 30, 0u)]
    [InlineData(1u << 31, 1u << 11)]
    public void Operations_are_read_in_the_numbers_of_the_revision(uint v8, uint unknownToV8)
    {
        Assert.True(IomapRevision.V8.TryDecode(v8, out IomapOperation old));
        Assert.Equal(v8 == 1u << 30 ? IomapOperation.SwapFile : IomapOperation.WriteBack, old);
        Assert.Equal(unknownToV8 == 0, IomapRevision.V8.TryDecode(unknownToV8, out _));
        Assert.False(IomapRevision.V9.TryDecode(1u << 30, out _));
        Assert.True(IomapRevision.V9.TryDecode(1u << 31, out IomapOperation swap));
        Assert.Equal(IomapOperation.SwapFile, swap);
        Assert.True(IomapRevision.V9.TryDecode(0x211, out IomapOperation atomic));
        Assert.Equal(IomapOperation.Write | IomapOperation.Direct | IomapOperation.Atomic, atomic);
    }

    [Fact]
    public void Requests_of_a_wrong_size_are_not_handled()
    {
        var kernel = new QueueKernel();
        bool wasCalled = false;
        using FuseSession session = Start(kernel, (in BeginRequest _, ref BeginReply _) =>
        {
            wasCalled = true;
            return Errno.Ok;
        }, out _);
        (Opcode Opcode, int Bytes)[] wrong =
        [
            (Opcode.IomapBegin, 24), (Opcode.IomapBegin, 40), (Opcode.IomapEnd, 64), (Opcode.IomapIoEnd, 40),
            (Opcode.IomapIoEnd, 56), (Opcode.FreezeFs, 0), (Opcode.ShutdownFs, 0), (Opcode.IomapConfig, 64),
        ];
        ulong unique = 100;
        foreach ((Opcode opcode, int bytes) in wrong)
        {
            kernel.Enqueue(opcode, unique += 2, 5, new byte[bytes]);
        }
        kernel.Enqueue(Opcode.IomapBegin, unique += 2, 5, new IomapBeginIn { Position = ulong.MaxValue, Count = 1 });
        kernel.Enqueue(Opcode.IomapIoEnd, unique += 2, 5, new IomapIoEndIn { Error = 5 });
        kernel.End();
        session.WaitForEnd();
        Assert.False(wasCalled);
        for (ulong each = 102; each <= unique; each += 2)
        {
            Assert.Equal(Errno.InputOutput, kernel.ErrorOf(each));
        }
    }

    private static Mapping Bare(MappingKind kind) => Mapping.WithoutAddress(8192, 4096, kind);

    private static Errno Answer(IomapOperation operation, Mapping source, Mapping? target, out IomapBeginOut reply)
    {
        var kernel = new QueueKernel();
        using FuseSession session = Start(kernel, (in BeginRequest _, ref BeginReply answer) =>
        {
            answer.SetInPlace(in source);
            answer.Target = target ?? answer.Target;
            return Errno.Ok;
        }, out _);
        uint flags = (uint)(operation & ~(IomapOperation.WriteBack | IomapOperation.SwapFile))
            | ((operation & IomapOperation.WriteBack) != 0 ? 1u << 31 : 0);
        kernel.Enqueue(Opcode.IomapBegin, 10, 5, new IomapBeginIn { Operation = flags, Position = 9000, Count = 100 });
        kernel.End();
        session.WaitForEnd();
        Errno error = kernel.ErrorOf(10);
        reply = error == Errno.Ok ? kernel.BodyOf<IomapBeginOut>(10) : default;
        return error;
    }

    private static FuseSession Start(QueueKernel kernel, ScriptedIomap.Beginning? begin, out ScriptedIomap script)
    {
        kernel.EnqueueStart();
        script = new ScriptedIomap
        {
            OnConfigure = static (IomapConnection connection, out IomapConfiguration configuration) =>
            {
                configuration = new IomapConfiguration { BlockSizeBytes = (int)Block };
                using var device = new FileDescriptor(1000, ownsHandle: false);
                return connection.Register(device, DeviceBytes, out _);
            },
        };
        script.OnBegin = begin ?? script.OnBegin;
        var session = new FuseSession(kernel, new ScriptedHandler(), new SessionOptions
        {
            Iomap = script,
            Capabilities = new CapabilityRequest { MaxWriteBytes = 1 << 16 },
        });
        session.Start();
        return session;
    }
}
