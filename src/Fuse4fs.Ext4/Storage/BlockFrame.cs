using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>One block's place in the cache: its memory, who holds it, and its state.</summary>
internal sealed class BlockFrame(byte[] slab, int offset, int length)
{
    /// <summary>The pin count of a frame that is being given to another block.</summary>
    private const int Claimed = -1;

    /// <summary>Which block this is. Changes only while the frame is claimed, so it is stable under a pin.</summary>
    public FsBlock Block;

    /// <summary>Next frame of the same bucket. Written under the shard's lock, read without it.</summary>
    public BlockFrame? Next;

    /// <summary>Used since the clock's hand last passed. Racy by design.</summary>
    public bool WasUsed;

    /// <summary>In the shard's index. Guarded by the shard.</summary>
    public bool IsIndexed;

    /// <summary>The bytes are the block's. Written under the frame's own lock.</summary>
    public volatile bool IsLoaded;

    /// <summary>The structure's checksum was verified since it was loaded. Set by readers, never cleared but by a
    /// load.</summary>
    public volatile bool IsVerified;

    /// <summary>What the journal knows of the frame: made at its first change, kept for good.</summary>
    public volatile object? JournalState;

    private int _pins = Claimed;

    /// <summary>What its memory is part of.</summary>
    public byte[] Slab => slab;

    /// <summary>The block's memory: part of a pinned slab.</summary>
    public Span<byte> Bytes => slab.AsSpan(offset, length);

    /// <summary>The same as memory, for vectored writes.</summary>
    public ReadOnlyMemory<byte> Memory => slab.AsMemory(offset, length);

    /// <summary>Takes a pin unless the frame is claimed. The caller then looks whether it is still the right
    /// block.</summary>
    public bool TryPin()
    {
        int pins = Volatile.Read(ref _pins);
        while (pins >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _pins, pins + 1, pins);
            if (seen == pins)
            {
                return true;
            }
            pins = seen;
        }
        return false;
    }

    /// <summary>One more pin on a frame that is pinned.</summary>
    public void AddPin() => Interlocked.Increment(ref _pins);

    /// <summary>Gives a pin back.</summary>
    public void Unpin() => Interlocked.Decrement(ref _pins);

    /// <summary>Makes a frame that nobody holds unusable for others; ended by <see cref="Publish"/>.</summary>
    public bool TryClaim() => Interlocked.CompareExchange(ref _pins, Claimed, 0) == 0;

    /// <summary>Ends a claim with so many pins.</summary>
    public void Publish(int pins) => Volatile.Write(ref _pins, pins);
}
