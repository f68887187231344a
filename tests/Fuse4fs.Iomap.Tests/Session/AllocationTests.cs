using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Serilog.Core;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Session;

/// <summary>Requests that may have to free memory, and uploads, make no garbage.</summary>
public sealed unsafe class AllocationTests
{
    private const int Rounds = 10_000;
    private const long DeviceBytes = 1 << 30;

    public static TheoryData<string, byte[]> Requests() => new()
    {
        { "BEGIN", Request(Opcode.IomapBegin, new IomapBeginIn { Position = 9000, Count = 65536 }) },
        { "BEGIN of write-back", Request(Opcode.IomapBegin, new IomapBeginIn { Operation = 0x800, Count = 4096 }) },
        { "END", Request(Opcode.IomapEnd, new IomapEndIn { Operation = 1, Count = 4096 }) },
        { "IOEND", Request(Opcode.IomapIoEnd, new IomapIoEndIn { Flags = 0x22, Written = 4096 }) },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_allocates_nothing(string name, byte[] request)
    {
        IomapConnection connection = Connect(out ScriptedIomap script);
        BackingId device = new(1);
        script.OnBegin = (in BeginRequest _, ref BeginReply reply) =>
        {
            reply.SetInPlace(Mapping.Unwritten(0, 1 << 20, device, 1 << 20));
            return Errno.Ok;
        };
        var dispatcher = new RequestDispatcher(
            new ScriptedHandler(), Logger.None, new IomapDispatcher(script, connection, Logger.None));
        using var buffer = new ReplyBuffer(1 << 16);
        var drain = new SilentTransport();
        var counters = new OperationCounters();
        AssertNoGarbage(name, () => dispatcher.Dispatch(request, buffer, drain, 0, counters));
    }

    [Fact]
    public void A_batch_allocates_nothing()
    {
        IomapConnection connection = Connect(out _);
        var file = new FileIdentity(5, 5);
        AssertNoGarbage("a batch", () =>
        {
            using MappingBatch batch = connection.RentBatch();
            batch.Start(file);
            for (int i = 0; i < 32; i++)
            {
                _ = batch.Add(Mapping.Written((long)i << 16, 1 << 16, new BackingId(1), (long)i << 20));
            }
            _ = batch.Send();
        });
    }

    private static void AssertNoGarbage(string name, Action action)
    {
        long allocated = Garbage.Of(action, Rounds);
        Assert.True(allocated == 0, $"{name}: {allocated} bytes in {Rounds} rounds");
    }

    private static byte[] Request<T>(Opcode opcode, T body) where T : unmanaged
        => QueueKernel.Request(opcode, 2, 5, new ReadOnlySpan<byte>(&body, sizeof(T)));

    private static IomapConnection Connect(out ScriptedIomap script)
    {
        script = new ScriptedIomap();
        var drain = new SilentTransport();
        var connection = new IomapConnection(
            drain, new FuseNotifier(drain), IomapRevision.V9, new IomapLimits(long.MaxValue, 1 << 18), true, Logger.None);
        using var device = new FileDescriptor(1000, ownsHandle: false);
        Assert.Equal(Errno.Ok, connection.Register(device, DeviceBytes, out _));
        connection.Settle(new IomapConfiguration { BlockSizeBytes = 4096 });
        return connection;
    }
}
