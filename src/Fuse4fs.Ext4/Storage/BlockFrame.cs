using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>One block's place in the cache: its memory, who holds it, and its state.</summary>
internal sealed class BlockFrame(byte[] slab, int offset, int length)
{
    /// <summary>Guarded by the shard.</summary>
    public FsBlock Block;

    /// <summary>Leases and journal references; a frame with pins is never evicted. Guarded by the shard.</summary>
    public int Pins;

    /// <summary>Used since the clock's hand last passed. Racy by design.</summary>
    public bool WasUsed;

    /// <summary>In the shard's index. Guarded by the shard.</summary>
    public bool IsIndexed;

    /// <summary>The bytes are the block's. Written under the frame's own lock.</summary>
    public volatile bool IsLoaded;

    /// <summary>The structure's checksum was verified since it was loaded. Set by readers, never cleared but by a load.</summary>
    public volatile bool IsVerified;

    /// <summary>What the journal knows of this block; null while no transaction has it. Guarded by the journal.</summary>
    public object? JournalState;

    /// <summary>The block's memory: part of a pinned slab.</summary>
    public Span<byte> Bytes => slab.AsSpan(offset, length);

    /// <summary>The same as memory, for vectored writes.</summary>
    public ReadOnlyMemory<byte> Memory => slab.AsMemory(offset, length);
}
