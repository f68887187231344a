using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Metadata blocks in memory: bounded, shared by all threads, clean blocks evicted by second chance (CLOCK).
/// A block that a transaction holds is pinned; the journal's caps bound how many those can be.</summary>
public sealed class BlockCache
{
    private const int ShardCount = 16;

    private readonly IBlockDevice _device;
    private readonly ulong _blockCount;
    private readonly Shard[] _shards = new Shard[ShardCount];

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
        int framesPerShard = (int)Math.Clamp(capacityBytes / blockSizeBytes / ShardCount, 8, int.MaxValue / 2);
        for (int i = 0; i < ShardCount; i++)
        {
            _shards[i] = new Shard(blockSizeBytes, framesPerShard);
        }
    }

    /// <summary>Bytes of a block.</summary>
    public int BlockSizeBytes { get; }

    /// <summary>Holds a block, reading it from the device when it is not there.</summary>
    /// <exception cref="Ext4CorruptException">The number is outside the volume.</exception>
    /// <exception cref="DeviceException">The read failed; the next call tries again.</exception>
    public BlockLease Read(FsBlock block) => new(this, Load(Pin(block)));

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
        return new BlockLease(this, frame);
    }

    /// <summary>One more pin on a frame that is already pinned.</summary>
    internal void AddPin(BlockFrame frame)
    {
        lock (ShardOf(frame.Block).Gate)
        {
            frame.Pins++;
        }
    }

    internal void Unpin(BlockFrame frame)
    {
        lock (ShardOf(frame.Block).Gate)
        {
            frame.Pins--;
        }
    }

    /// <summary>Forgets the contents of a block nobody holds, so that the next read sees the device.</summary>
    internal void Forget(FsBlock block)
    {
        Shard shard = ShardOf(block);
        lock (shard.Gate)
        {
            if (shard.Index.TryGetValue(block, out BlockFrame? frame) && frame.Pins == 0)
            {
                frame.IsLoaded = false;
                frame.IsVerified = false;
            }
        }
    }

    private Shard ShardOf(FsBlock block) => _shards[(int)(block.Value % ShardCount)];

    private BlockFrame Pin(FsBlock block)
    {
        if (block.Value >= _blockCount)
        {
            Ext4CorruptException.Throw(Corruption.BlockOutOfVolume, $"block {block}");
        }
        Shard shard = ShardOf(block);
        lock (shard.Gate)
        {
            if (!shard.Index.TryGetValue(block, out BlockFrame? frame))
            {
                frame = shard.TakeVictim();
                frame.Block = block;
                frame.IsLoaded = false;
                frame.IsVerified = false;
                frame.IsIndexed = true;
                shard.Index.Add(block, frame);
            }
            frame.Pins++;
            frame.WasUsed = true;
            return frame;
        }
    }

    private BlockFrame Load(BlockFrame frame)
    {
        if (frame.IsLoaded)
        {
            return frame;
        }
        try
        {
            lock (frame)
            {
                if (!frame.IsLoaded)
                {
                    _device.Read(checked((long)frame.Block.Value * BlockSizeBytes), frame.Bytes);
                    frame.IsLoaded = true;
                }
            }
            return frame;
        }
        catch
        {
            Unpin(frame);
            throw;
        }
    }

    /// <summary>A part of the cache with a lock of its own; blocks are spread by number.</summary>
    private sealed class Shard(int blockSizeBytes, int capacityFrames)
    {
        private const int SlabBytes = 256 * 1024;

        private readonly List<BlockFrame> _frames = [];
        private byte[] _slab = [];
        private int _slabUsed;
        private int _hand;

        public Lock Gate { get; } = new();

        /// <summary>Guarded by <see cref="Gate"/>.</summary>
        public Dictionary<FsBlock, BlockFrame> Index { get; } = [];

        /// <summary>A frame that nobody holds: a new one up to the capacity, then an evicted one, then a new one again.</summary>
        public BlockFrame TakeVictim()
        {
            if (_frames.Count < capacityFrames)
            {
                return Grow();
            }
            for (int steps = 0; steps < 2 * _frames.Count; steps++)
            {
                BlockFrame frame = _frames[_hand];
                _hand = (_hand + 1) % _frames.Count;
                if (frame.Pins > 0)
                {
                    continue;
                }
                if (frame.WasUsed)
                {
                    frame.WasUsed = false;
                    continue;
                }
                if (frame.IsIndexed)
                {
                    Index.Remove(frame.Block);
                    frame.IsIndexed = false;
                }
                return frame;
            }
            return Grow();
        }

        private BlockFrame Grow()
        {
            if (_slabUsed + blockSizeBytes > _slab.Length)
            {
                _slab = GC.AllocateUninitializedArray<byte>(Math.Max(SlabBytes, blockSizeBytes), pinned: true);
                _slabUsed = 0;
            }
            var frame = new BlockFrame(_slab, _slabUsed, blockSizeBytes);
            _slabUsed += blockSizeBytes;
            _frames.Add(frame);
            return frame;
        }
    }
}
