using Fuse4fs.Fuse.Wire;
using Fuse4fs.Samples;
using Fuse4fs.Testing;
using Serilog.Core;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Session;

/// <summary>The way of a request from the descriptor to the handler and back makes no garbage.</summary>
public sealed class AllocationTests
{
    private const int Rounds = 10_000;

    private static readonly byte[] _write = FakeKernel.Bytes(new WriteIn { Size = 64 });
    private static readonly byte[] _list = FakeKernel.Bytes(new ReadIn { Size = 4096 });

    public static TheoryData<string, byte[]> Requests => new()
    {
        { "LOOKUP", FakeKernel.Request(Opcode.Lookup, 2, 2, "f0\0"u8) },
        { "LOOKUP of nothing", FakeKernel.Request(Opcode.Lookup, 2, 2, "none\0"u8) },
        { "GETATTR", FakeKernel.Request(Opcode.GetAttributes, 2, 3, new byte[16]) },
        { "SETATTR", FakeKernel.Request(Opcode.SetAttributes, 2, 3, new byte[88]) },
        { "READ", FakeKernel.Request(Opcode.Read, 2, 3, FakeKernel.Bytes(new ReadIn { Size = 65536 })) },
        { "WRITE", FakeKernel.Request(Opcode.Write, 2, 3, [.. _write, .. new byte[64]]) },
        { "READDIR", FakeKernel.Request(Opcode.ReadDirectory, 2, 2, _list) },
        { "READDIRPLUS", FakeKernel.Request(Opcode.ReadDirectoryPlus, 2, 2, _list) },
        { "FORGET", FakeKernel.Request(Opcode.Forget, 2, 3, FakeKernel.Bytes(new ForgetIn { Lookups = 1 })) },
        { "unknown", FakeKernel.Request((Opcode)3000, 2, 3) },
        { "malformed", FakeKernel.Request(Opcode.Read, 2, 3) },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_allocates_nothing(string name, byte[] request)
    {
        var content = new NullOptions { Directories = 1, FilesPerDirectory = 20, FileBytes = 1 << 20 };
        using var tree = new NullFileSystem(content);
        using var buffer = new ReplyBuffer(1 << 20);
        using var drain = new SilentTransport();
        var dispatcher = new RequestDispatcher(tree, Logger.None);
        var counters = new OperationCounters();
        long allocated = Garbage.Of(() => dispatcher.Dispatch(request, buffer, drain, 0, counters), Rounds);
        Assert.True(allocated == 0, $"{name}: {allocated} bytes in {Rounds} requests");
    }
}
