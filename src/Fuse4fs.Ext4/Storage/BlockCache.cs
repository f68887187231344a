using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Metadata blocks in memory: bounded, shared by all threads, clean blocks evicted by second chance
/// (CLOCK).</summary>
/// <remarks>
/// <para>A hit takes no lock: it walks a bucket, raises the frame's pin count by compare-and-swap, and looks again
/// whether the frame still is the block, since it may have been given away in between. A miss takes the shard's lock,
/// then reads under the frame's own, so that two misses on one block read it once and nobody else waits.</para>
/// <para>A block that a transaction or the checkpoint list holds is pinned; the journal's caps bound how many those
/// can be, and only they can push the cache over its capacity.</para>
/// </remarks>
public sealed class BlockCache
{
    private const int ShardBits = 4;
    private const long StretchBytes = 128 << 10;
    private const ulong Spread = 0x9E3779B97F4A7C15;

    private readonly IBlockDevice _device;
    private readonly ulong _blockCount;
    private readonly BlockCacheShard[] _shards = new BlockCacheShard[1 << ShardBits];
    private long _lastStretch = -1;
    private long _misses;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="device">Where the blocks are.</param>
    /// <param name="blockSizeBytes">1024 to 65536, a power of two.</param>
    /// <param name="blockCount">Blocks of the volume; numbers from here on are damage.</param>
    /// <param name="capacityBytes">How much may be kept; exceeded only while more is pinned.</param>
    public BlockCache(IBlockDevice device, int blockSizeBytes, ulong blockCount, long capacityBytes)
    {
        _device = device;
        _blockCount = blockCount;
        BlockSizeBytes = blockSizeBytes;
        int framesPerShard = (int)Math.Clamp(capacityBytes / blockSizeBytes / _shards.Length, 8, 1 << 28);
        for (int i = 0; i < _shards.Length; i++)
        {
            _shards[i] = new BlockCacheShard(blockSizeBytes, framesPerShard);
        }
    }

    /// <summary>Bytes of a block.</summary>
    public int BlockSizeBytes { get; }

    /// <summary>Blocks asked for, about: threads that count at the same time may lose each other's counts.</summary>
    public long Requests => _shards.Sum(static shard => shard.Requests);

    /// <summary>Of these, read from the device.</summary>
    public long Misses => Interlocked.Read(ref _misses);

    /// <summary>Bytes of all frames, used or not.</summary>
    public long AllocatedBytes => _shards.Sum(shard => (long)shard.FrameCount) * BlockSizeBytes;

    /// <summary>Holds a block, reading it from the device when it is not there.</summary>
    /// <exception cref="Ext4CorruptException">The number is outside the volume.</exception>
    /// <exception cref="DeviceException">The read failed; the next call tries again.</exception>
    public BlockLease Read(FsBlock block)
    {
        BlockFrame frame = Pin(block);
        if (!frame.IsLoaded)
        {
            Load(frame);
        }
        return new BlockLease(frame);
    }

    /// <summary>As <see cref="Read(FsBlock)"/>, of a block whose neighbours will be wanted soon: when it has to be read,
    /// the device is asked for the aligned stretch around it.</summary>
    internal BlockLease ReadWithNeighbours(FsBlock block)
    {
        BlockFrame frame = Pin(block);
        if (!frame.IsLoaded)
        {
            long stretch = checked((long)block.Value * BlockSizeBytes) / StretchBytes;
            if (Interlocked.Exchange(ref _lastStretch, stretch) != stretch)
            {
                _device.ReadAhead(stretch * StretchBytes, StretchBytes);
            }
            Load(frame);
        }
        return new BlockLease(frame);
    }

    /// <summary>Holds a block whose old contents do not matter: all zeros, nothing is read.</summary>
    /// <exception cref="Ext4CorruptException">The number is outside the volume.</exception>
    internal BlockLease Zeroed(FsBlock block)
    {
        BlockFrame frame = Pin(block);
        lock (frame)
        {
            frame.Bytes.Clear();
            frame.IsVerified = true;
            frame.IsLoaded = true;
        }
        return new BlockLease(frame);
    }

    /// <summary>The frame of a block that is in the cache, pinned; null when it is not.</summary>
    internal BlockFrame? TryPin(FsBlock block)
    {
        ulong hash = unchecked(block.Value * Spread);
        BlockCacheShard shard = _shards[hash >> (64 - ShardBits)];
        return shard.TryPin(block, Fold(hash)) ?? shard.PinIfPresent(block, Fold(hash));
    }

    /// <summary>Forgets the contents of a block nobody holds, so that the next read sees the device.</summary>
    internal void Forget(FsBlock block)
    {
        ulong hash = unchecked(block.Value * Spread);
        _shards[hash >> (64 - ShardBits)].Forget(block, Fold(hash));
    }

    /// <summary>Lets go of all blocks nobody holds; they are read again when they are wanted.</summary>
    internal void Shrink()
    {
        foreach (BlockCacheShard shard in _shards)
        {
            shard.Shrink();
        }
    }

    /// <summary>Where a block goes within its shard.</summary>
    internal static uint BucketHash(FsBlock block) => Fold(unchecked(block.Value * Spread));

    private static uint Fold(ulong hash) => (uint)((hash >> (32 - ShardBits)) & uint.MaxValue);

    private BlockFrame Pin(FsBlock block)
    {
        if (block.Value >= _blockCount)
        {
            Ext4CorruptException.Throw(Corruption.BlockOutOfVolume, $"block {block}");
        }
        ulong hash = unchecked(block.Value * Spread);
        BlockCacheShard shard = _shards[hash >> (64 - ShardBits)];
        BlockFrame frame = shard.TryPin(block, Fold(hash)) ?? shard.PinOrInsert(block, Fold(hash));
        shard.Requests++;
        if (!frame.WasUsed)
        {
            frame.WasUsed = true;
        }
        return frame;
    }

    private void Load(BlockFrame frame)
    {
        try
        {
            lock (frame)
            {
                if (!frame.IsLoaded)
                {
                    _device.Read(checked((long)frame.Block.Value * BlockSizeBytes), frame.Bytes);
                    frame.IsVerified = false;
                    frame.IsLoaded = true;
                    Interlocked.Increment(ref _misses);
                }
            }
        }
        catch
        {
            frame.Unpin();
            throw;
        }
    }
}
