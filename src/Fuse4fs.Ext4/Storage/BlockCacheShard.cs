using System.Numerics;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A part of the cache with an index and a lock of its own; blocks are spread over the shards by
/// hash.</summary>
internal sealed class BlockCacheShard
{
    private const int SlabBytes = 256 * 1024;

    /// <summary>A walk without the lock may stray into another chain while frames move: it then gives up.</summary>
    private const int LongestChain = 64;

    private readonly int _blockSizeBytes;
    private readonly int _capacityFrames;
    private readonly Lock _gate = new();
    private readonly List<BlockFrame> _frames = [];
    private volatile BlockFrame?[] _buckets = new BlockFrame?[16];
    private byte[] _slab = [];
    private int _slabUsed;
    private int _hand;

    public BlockCacheShard(int blockSizeBytes, int capacityFrames)
    {
        _blockSizeBytes = blockSizeBytes;
        _capacityFrames = capacityFrames;
    }

    public int FrameCount => _frames.Count;

    /// <summary>Blocks asked for, counted without any ordering.</summary>
    public long Requests { get; set; }

    /// <summary>Pins a block that is here. Takes no lock; may miss one that is just moving.</summary>
    public BlockFrame? TryPin(FsBlock block, uint hash)
    {
        BlockFrame?[] buckets = _buckets;
        BlockFrame? frame = Volatile.Read(ref buckets[hash & (uint)(buckets.Length - 1)]);
        for (int steps = 0; frame is not null && steps < LongestChain; steps++)
        {
            if (frame.Block == block)
            {
                if (!frame.TryPin())
                {
                    return null;
                }
                if (frame.Block == block && frame.IsIndexed)
                {
                    return frame;
                }
                frame.Unpin();
                return null;
            }
            frame = Volatile.Read(ref frame.Next);
        }
        return null;
    }

    /// <summary>Pins a block, giving it a frame when it has none; its contents may then still have to be
    /// loaded.</summary>
    public BlockFrame PinOrInsert(FsBlock block, uint hash)
    {
        lock (_gate)
        {
            BlockFrame? frame = Find(block, hash);
            if (frame is not null)
            {
                bool isPinned = frame.TryPin(); // only this lock's holder claims indexed frames
                System.Diagnostics.Debug.Assert(isPinned);
                return frame;
            }
            frame = TakeVictim();
            frame.Block = block;
            frame.IsLoaded = false;
            frame.IsVerified = false;
            frame.IsIndexed = true;
            ref BlockFrame? bucket = ref _buckets[hash & (uint)(_buckets.Length - 1)];
            frame.Next = bucket;
            frame.Publish(pins: 1);
            Volatile.Write(ref bucket, frame);
            return frame;
        }
    }

    /// <summary>Pins a block that is here; null means that it is not. Takes the lock, so that nothing moves
    /// meanwhile.</summary>
    public BlockFrame? PinIfPresent(FsBlock block, uint hash)
    {
        lock (_gate)
        {
            BlockFrame? frame = Find(block, hash);
            return frame is not null && frame.TryPin() ? frame : null;
        }
    }

    /// <summary>Makes the next holder of a block read it again, unless somebody holds it now.</summary>
    public void Forget(FsBlock block, uint hash)
    {
        lock (_gate)
        {
            BlockFrame? frame = Find(block, hash);
            if (frame is not null && frame.TryClaim())
            {
                frame.IsLoaded = false;
                frame.IsVerified = false;
                frame.Publish(pins: 0);
            }
        }
    }

    /// <summary>Gives back the memory of all slabs in which nobody holds a block.</summary>
    public void Shrink()
    {
        lock (_gate)
        {
            var held = new HashSet<byte[]>();
            var claimed = new List<BlockFrame>(_frames.Count);
            foreach (BlockFrame frame in _frames)
            {
                if (frame.TryClaim())
                {
                    Unlink(frame);
                    claimed.Add(frame);
                }
                else
                {
                    held.Add(frame.Slab);
                }
            }
            // Frames of slabs that go stay claimed: whoever still walks over one leaves it alone.
            _frames.RemoveAll(frame => !held.Contains(frame.Slab));
            foreach (BlockFrame frame in claimed)
            {
                if (held.Contains(frame.Slab))
                {
                    frame.IsLoaded = false;
                    frame.Publish(pins: 0);
                }
            }
            if (!held.Contains(_slab))
            {
                _slab = [];
                _slabUsed = 0;
            }
            _hand = 0;
        }
    }

    private BlockFrame? Find(FsBlock block, uint hash)
    {
        BlockFrame? frame = _buckets[hash & (uint)(_buckets.Length - 1)];
        while (frame is not null && frame.Block != block)
        {
            frame = frame.Next;
        }
        return frame;
    }

    /// <summary>A claimed frame: a new one up to the capacity, then an evicted one, then a new one again.</summary>
    private BlockFrame TakeVictim()
    {
        if (_frames.Count < _capacityFrames)
        {
            return Grow();
        }
        for (int steps = 0; steps < 2 * _frames.Count; steps++)
        {
            BlockFrame frame = _frames[_hand];
            _hand = (_hand + 1) % _frames.Count;
            if (frame.WasUsed)
            {
                frame.WasUsed = false;
            }
            else if (frame.TryClaim())
            {
                Unlink(frame);
                return frame;
            }
        }
        return Grow();
    }

    private void Unlink(BlockFrame frame)
    {
        if (!frame.IsIndexed)
        {
            return;
        }
        ref BlockFrame? link = ref _buckets[BucketOf(frame.Block)];
        while (link != frame)
        {
            link = ref link!.Next;
        }
        Volatile.Write(ref link, frame.Next);
        frame.IsIndexed = false;
    }

    private uint BucketOf(FsBlock block) => BlockCache.BucketHash(block) & (uint)(_buckets.Length - 1);

    private BlockFrame Grow()
    {
        if (_slabUsed + _blockSizeBytes > _slab.Length)
        {
            int alignment = Math.Min(_blockSizeBytes, AlignedBuffer.AlignmentBytes);
            _slab = GC.AllocateUninitializedArray<byte>(Math.Max(SlabBytes, _blockSizeBytes) + alignment, pinned: true);
            _slabUsed = ToAlignment(_slab, alignment);
        }
        var frame = new BlockFrame(_slab, _slabUsed, _blockSizeBytes);
        _slabUsed += _blockSizeBytes;
        _frames.Add(frame);
        if (_frames.Count > _buckets.Length)
        {
            Rehash((int)BitOperations.RoundUpToPowerOf2((uint)_frames.Count * 2));
        }
        return frame;
    }

    /// <summary>Frames are aligned, so that a device can be read into them without its page cache.</summary>
    private static int ToAlignment(byte[] slab, int alignment) =>
        (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(slab, 0) & (alignment - 1));

    /// <summary>Readers without the lock meanwhile see parts of chains and miss; they come back with the
    /// lock.</summary>
    private void Rehash(int bucketCount)
    {
        var buckets = new BlockFrame?[bucketCount];
        foreach (BlockFrame frame in _frames)
        {
            if (frame.IsIndexed)
            {
                ref BlockFrame? bucket = ref buckets[BlockCache.BucketHash(frame.Block) & (uint)(bucketCount - 1)];
                frame.Next = bucket;
                bucket = frame;
            }
        }
        _buckets = buckets;
    }
}
