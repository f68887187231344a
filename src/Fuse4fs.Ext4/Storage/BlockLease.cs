using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Access to one cached block for as long as the lease is held. Dispose exactly once.
/// Whoever reads or changes the bytes holds the lock of the structure that lives in them.</summary>
public readonly ref struct BlockLease
{
    internal BlockLease(BlockFrame frame)
    {
        Frame = frame;
        Bytes = frame.Bytes;
    }

    internal BlockFrame Frame { get; }

    /// <summary>The block's number on the device.</summary>
    public FsBlock Block => Frame.Block;

    /// <summary>The whole block. Only a journal handle's leases may be written through.</summary>
    public Span<byte> Bytes { get; }

    /// <summary>True once <see cref="MarkVerified"/> was called since the block was read from the device.</summary>
    public bool IsVerified => Frame.IsVerified;

    /// <summary>The checksum and structure were checked: later readers need not.</summary>
    public void MarkVerified() => Frame.IsVerified = true;

    /// <summary>Gives the pin back.</summary>
    public void Dispose() => Frame?.Unpin();
}
