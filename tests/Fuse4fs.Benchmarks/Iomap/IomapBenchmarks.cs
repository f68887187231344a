using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Serilog.Core;

namespace Fuse4fs.Benchmarks.Iomap;

/// <summary>Work on structures alone: answers to BEGIN from request bytes to reply bytes, and batches of uploads, with all
/// checks, against the same in C.</summary>
[MemoryDiagnoser]
[MinColumn]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public unsafe class IomapBenchmarks : IDisposable
{
    /// <summary>Of each benchmark's work in one call.</summary>
    internal const int Rounds = MappingBatch.Capacity;

    private const long DeviceBytes = 1L << 40;

    private readonly byte[] _request = new byte[sizeof(InHeader) + sizeof(IomapBeginIn)];
    private readonly byte[] _cReply = new byte[128];
    private readonly byte[] _cMessages = new byte[Rounds * 96];
    private readonly SilentTransport _sink = new();
    private readonly ReplyBuffer _buffer = new(1 << 16);
    private CYardstick _c = null!;
    private IomapConnection _connection = null!;
    private IomapDispatcher _dispatcher = null!;

    [GlobalSetup]
    public void Prepare()
    {
        _c = new CYardstick();
        _connection = new IomapConnection(
            _sink, new FuseNotifier(_sink), IomapRevision.V9, new IomapLimits(long.MaxValue, 1 << 21), true, Logger.None);
        using var device = new FileDescriptor(1000, ownsHandle: false);
        _ = _connection.Register(device, DeviceBytes, out _);
        _connection.Settle(new IomapConfiguration { BlockSizeBytes = 4096 });
        _dispatcher = new IomapDispatcher(new OneExtent(), _connection, Logger.None);
        MemoryMarshal.Write(_request, new InHeader
        {
            Length = (uint)_request.Length, Opcode = Opcode.IomapBegin, Unique = 10, NodeId = 5,
        });
        MemoryMarshal.Write(_request.AsSpan(sizeof(InHeader)), new IomapBeginIn { Inode = 5, Count = 131072 });
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _c.Dispose();
        _buffer.Dispose();
        _sink.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(OperationsPerInvoke = Rounds, Baseline = true)]
    [BenchmarkCategory("BEGIN")]
    public long BeginInC() => _c.BeginAnswers(_request, _cReply, Rounds);

    [Benchmark(OperationsPerInvoke = Rounds)]
    [BenchmarkCategory("BEGIN")]
    public long Begin()
    {
        long errors = 0;
        Span<byte> request = _request;
        for (int i = 0; i < Rounds; i++)
        {
            ref IomapBeginIn begin = ref MemoryMarshal.AsRef<IomapBeginIn>(request[sizeof(InHeader)..]);
            begin.Position = (ulong)i << 12;
            ref readonly InHeader header = ref MemoryMarshal.AsRef<InHeader>(request);
            var reply = new ReplyWriter(_buffer, _sink);
            Errno error = _dispatcher.Handle(in header, request[sizeof(InHeader)..], ref reply);
            errors += reply.Send(header.Unique, error) == Errno.Ok && error == Errno.Ok ? 0 : 1;
        }
        return errors;
    }

    [Benchmark(OperationsPerInvoke = Rounds, Baseline = true)]
    [BenchmarkCategory("upload")]
    public long BatchInC() => _c.BuildBatch(_cMessages, Rounds);

    [Benchmark(OperationsPerInvoke = Rounds)]
    [BenchmarkCategory("upload")]
    public long Batch()
    {
        long errors = 0;
        using MappingBatch batch = _connection.RentBatch();
        batch.Start(new FileIdentity(5, 5));
        for (int i = 0; i < Rounds; i++)
        {
            Errno error = batch.Add(Mapping.Written((long)i << 16, 1 << 16, new BackingId(1), (long)i << 20));
            errors += error == Errno.Ok ? 0 : 1;
        }
        return errors;
    }

    private sealed class OneExtent : IomapHandler
    {
        public override Errno Configure(IomapConnection connection, out IomapConfiguration configuration)
        {
            configuration = new IomapConfiguration { BlockSizeBytes = 4096 };
            return Errno.Ok;
        }

        public override Errno BeginMapping(in BeginRequest request, ref BeginReply reply)
        {
            long start = request.Offset & ~0xFFFFFL;
            long address = start + (long)((request.File.NodeId & 7) << 20);
            reply.SetInPlace(Mapping.Written(start, 1 << 20, new BackingId(1), address));
            return Errno.Ok;
        }

        public override Errno CompleteIo(in IoEndRequest request, out long sizeBytes)
        {
            sizeBytes = request.End;
            return Errno.Ok;
        }
    }
}
