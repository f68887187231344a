using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;
using Serilog.Core;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Uploads;

/// <summary>Threads that send mappings of the same file at once: together they stay below what the kernel keeps.</summary>
public sealed unsafe class ParallelSendTests
{
    private const int BlockBytes = 4096;
    private const uint CacheBytes = 256 * 32;

    [Fact]
    public void Batches_sent_at_once_stay_within_the_limit()
    {
        using var kernel = new SlowKernel();
        var connection = new IomapConnection(
            kernel, new FuseNotifier(kernel), IomapRevision.V9, new IomapLimits(long.MaxValue, CacheBytes), false, Logger.None);
        using var device = new FileDescriptor(1000, ownsHandle: false);
        Assert.Equal(Errno.Ok, connection.Register(device, 1L << 40, out BackingId id));
        connection.Settle(new IomapConfiguration { BlockSizeBytes = BlockBytes, CacheBytes = CacheBytes });
        var uploads = new FileUploads(connection, new FileIdentity(5, 5));
        int count = uploads.Limit * 3 / 5;
        var first = new Thread(() => Send(connection, uploads, id, 0, count));
        first.Start();
        kernel.Arrived.Wait(TestContext.Current.CancellationToken);
        Errno second = Send(connection, uploads, id, 1L << 30, count);
        Assert.Equal(Errno.NoSpace, second);
        kernel.MayGoOn.Set();
        first.Join();
        Assert.Equal(count, uploads.Count);
        Assert.Equal(count, kernel.Kept);
        // Alone it makes room for itself.
        Assert.Equal(Errno.Ok, Send(connection, uploads, id, 1L << 30, count));
        Assert.True(uploads.Count <= uploads.Limit, $"{uploads.Count} of {uploads.Limit}");
    }

    private static Errno Send(IomapConnection connection, FileUploads uploads, BackingId device, long offset, int count)
    {
        using MappingBatch batch = connection.RentBatch();
        batch.Start(uploads.File);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(Errno.Ok, batch.Add(Mapping.Written(
                offset + ((long)i * BlockBytes), BlockBytes, device, (2L * i * BlockBytes) + offset)));
        }
        return uploads.Send(batch);
    }

    /// <summary>Takes its time for the first batch, and counts what it keeps.</summary>
    private sealed class SlowKernel : IFuseTransport
    {
        private const int InvalidateMappings = 101;
        private bool _isFirst = true;

        public ManualResetEventSlim Arrived { get; } = new();

        public ManualResetEventSlim MayGoOn { get; } = new();

        public int Kept { get; private set; }

        public ReadOutcome Read(Span<byte> buffer, out int length)
        {
            length = 0;
            return ReadOutcome.Ended;
        }

        public Errno Write(ReadOnlySpan<byte> message)
        {
            if (_isFirst)
            {
                _isFirst = false;
                Arrived.Set();
                MayGoOn.Wait();
            }
            Kept += BitConverter.ToInt32(message[4..]) == InvalidateMappings ? 0 : 1;
            return Errno.Ok;
        }

        public void WriteMessages(byte* first, int size, Span<Errno> results)
        {
            for (int i = 0; i < results.Length; i++)
            {
                results[i] = Write(new ReadOnlySpan<byte>(first + (i * size), size));
            }
        }

        public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
        {
            bool isInvalidation = BitConverter.ToInt32(new ReadOnlySpan<byte>(pieces[0].Base, 8)[4..]) == InvalidateMappings;
            Kept += isInvalidation ? 0 : 1;
            return Errno.Ok;
        }

        public Errno Ioctl(uint request, Span<byte> argument, out int result)
        {
            result = 1;
            return Errno.Ok;
        }

        public Errno Clone(out IFuseTransport? clone)
        {
            clone = this;
            return Errno.Ok;
        }

        public void Dispose()
        {
            Arrived.Dispose();
            MayGoOn.Dispose();
        }
    }
}
