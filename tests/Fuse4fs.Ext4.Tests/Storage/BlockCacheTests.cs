using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

public class BlockCacheTests
{
    private const int BlockBytes = 1024;
    private const int BlockCount = 4096;

    /// <summary>Far more blocks than frames, so that frames change hands all the time while readers hold
    /// others.</summary>
    /// <summary>Memory is given back while readers go on and some blocks stay held.</summary>
    [Fact]
    public void What_nobody_holds_is_given_back_and_read_again()
    {
        var cache = new BlockCache(NumberedDevice(), BlockBytes, BlockCount, capacityBytes: BlockCount * BlockBytes);
        BlockFrame[] pinned = [.. Enumerable.Range(0, 5).Select(number => Pinned(cache, (ulong)number * 700))];
        for (int i = 0; i < BlockCount; i++)
        {
            cache.Read(new FsBlock((ulong)i)).Dispose();
        }
        long before = cache.AllocatedBytes;
        cache.Shrink();
        Assert.InRange(cache.AllocatedBytes, pinned.Length * BlockBytes, before / 2);
        int wrong = 0;
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 30_000; i++)
            {
                if (thread == 0 && i % 1000 == 0)
                {
                    cache.Shrink();
                }
                ulong number = (ulong)random.Next(BlockCount);
                using BlockLease lease = cache.Read(new FsBlock(number));
                if (lease.Block.Value != number || NumberIn(lease.Bytes) != number)
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
        Assert.All(pinned, frame => Assert.Equal(frame.Block.Value, NumberIn(frame.Bytes)));
    }

    [Fact]
    public void A_lease_always_shows_its_own_block_while_frames_change_hands()
    {
        var cache = new BlockCache(NumberedDevice(), BlockBytes, BlockCount, capacityBytes: 256 * BlockBytes);
        int wrong = 0;
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 6 }, thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 60_000; i++)
            {
                // Half of the reads go to a few blocks: hits compete with evictions of their neighbours.
                ulong number = (ulong)(i % 2 == 0 ? random.Next(64) : random.Next(BlockCount));
                using BlockLease lease = cache.Read(new FsBlock(number));
                bool isRight = lease.Block.Value == number && NumberIn(lease.Bytes) == number;
                if (i % 64 == 0)
                {
                    Thread.Yield();
                    isRight &= NumberIn(lease.Bytes) == number;
                }
                if (!isRight)
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
        Assert.InRange(cache.AllocatedBytes, 1, (256 + 6) * BlockBytes);
    }

    /// <summary>The journal asks so for the state of a freed block: a miss would leave it on the checkpoint
    /// list.</summary>
    [Fact]
    public void A_pinned_block_is_never_missed_while_its_neighbours_move()
    {
        var cache = new BlockCache(NumberedDevice(), BlockBytes, BlockCount, capacityBytes: 512 * BlockBytes);
        BlockFrame[] pinned = [.. Enumerable.Range(0, 100).Select(number => Pinned(cache, (ulong)number * 31))];
        int missed = 0;
        using var stop = new CancellationTokenSource();
        Thread[] churn = [.. Enumerable.Range(0, 3).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            while (!stop.IsCancellationRequested)
            {
                cache.Read(new FsBlock((ulong)random.Next(BlockCount))).Dispose();
            }
        }))];
        Array.ForEach(churn, static thread => thread.Start());
        for (int i = 0; i < 300_000; i++)
        {
            BlockFrame expected = pinned[i % pinned.Length];
            BlockFrame? found = cache.TryPin(expected.Block);
            missed += found == expected ? 0 : 1;
            found?.Unpin();
        }
        stop.Cancel();
        Array.ForEach(churn, static thread => thread.Join());
        Assert.Equal(0, missed);
    }

    [Fact]
    public void Only_pins_push_the_cache_over_its_capacity()
    {
        var cache = new BlockCache(NumberedDevice(), BlockBytes, BlockCount, capacityBytes: 128 * BlockBytes);
        for (ulong number = 0; number < 1000; number++)
        {
            BlockFrame frame = Pinned(cache, number);
            if (number % 2 == 0)
            {
                frame.Unpin();
            }
        }
        long pinned = cache.AllocatedBytes;
        Assert.InRange(pinned, 500 * BlockBytes, (500 + 128) * BlockBytes);
        for (ulong number = 1; number < 1000; number += 2)
        {
            BlockFrame? frame = cache.TryPin(new FsBlock(number));
            Assert.Equal(number, NumberIn(frame!.Bytes));
            frame.Unpin();
            frame.Unpin();
        }
        for (ulong number = 1000; number < BlockCount; number++)
        {
            cache.Read(new FsBlock(number)).Dispose();
        }
        Assert.Equal(pinned, cache.AllocatedBytes);
    }

    [Fact]
    public void Two_misses_on_one_block_read_it_once_and_a_failed_read_is_tried_again()
    {
        using var device = new FaultyDevice(NumberedDevice()) { FailsRead = static number => number == 1 };
        var cache = new BlockCache(device, BlockBytes, BlockCount, capacityBytes: 1 << 20);
        Assert.Throws<DeviceException>(() => cache.Read(new FsBlock(7)).Dispose());
        Parallel.For(0, 8, _ =>
        {
            using BlockLease lease = cache.Read(new FsBlock(7));
            Assert.Equal(7u, NumberIn(lease.Bytes));
        });
        Assert.Equal(2, device.Reads);
        Assert.Throws<Ext4CorruptException>(() => cache.Read(new FsBlock(BlockCount)).Dispose());
    }

    private static BlockFrame Pinned(BlockCache cache, ulong number)
    {
        using BlockLease lease = cache.Read(new FsBlock(number));
        lease.Frame.AddPin();
        return lease.Frame;
    }

    private static ulong NumberIn(ReadOnlySpan<byte> block)
    {
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(block);
        return BinaryPrimitives.ReadUInt64LittleEndian(block[^8..]) == first ? first : ulong.MaxValue;
    }

    /// <summary>Every block begins and ends with its number.</summary>
    private static MemoryDevice NumberedDevice()
    {
        byte[] bytes = new byte[BlockBytes * BlockCount];
        for (int number = 0; number < BlockCount; number++)
        {
            Span<byte> block = bytes.AsSpan(number * BlockBytes, BlockBytes);
            BinaryPrimitives.WriteUInt64LittleEndian(block, (ulong)number);
            BinaryPrimitives.WriteUInt64LittleEndian(block[^8..], (ulong)number);
        }
        return new MemoryDevice(bytes);
    }
}
