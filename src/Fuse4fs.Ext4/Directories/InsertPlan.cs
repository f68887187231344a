using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What an insertion, or a step towards it, will change: found out before its journal handle begins. Keeps the
/// blocks in memory, so that the handle reads nothing. Dispose it when the handle has ended.</summary>
internal ref struct InsertPlan
{
    private BlockLease _first;
    private BlockLease _second;

    public InsertKind Kind { get; set; }

    /// <summary>The block of records, or the node, that takes the name or is split.</summary>
    public uint FileBlock { get; set; }

    /// <summary>Where that is on the device.</summary>
    public readonly FsBlock Block => _first.Block;

    /// <summary>The node above that takes the entry of a new block, on the device.</summary>
    public readonly FsBlock Parent => _second.Block;

    /// <summary>The node above is the root of the index.</summary>
    public bool IsParentRoot { get; set; }

    /// <summary>The entry of the node above that leads to <see cref="FileBlock"/>.</summary>
    public int ParentEntry { get; set; }

    /// <summary>The record that makes room, for <see cref="InsertKind.InPlace"/>.</summary>
    public int Offset { get; set; }

    /// <summary>The name's hash and how others are hashed, in an indexed directory.</summary>
    public NameHash Hash { get; set; }

    public NameHasher Hasher { get; set; }

    /// <summary>The new block's number in the directory: its end.</summary>
    public uint NewFileBlock { get; set; }

    /// <summary>Whether a block is added to the directory.</summary>
    public readonly bool NeedsBlock => Kind is not (InsertKind.InPlace or InsertKind.Packed);

    /// <summary>Only a step: the insertion is planned anew behind it.</summary>
    public readonly bool IsStep => Kind is InsertKind.IndexMade or InsertKind.RootMovedDown or InsertKind.NodeSplit;

    /// <summary>Blocks of the directory that change, a new one included.</summary>
    public readonly int ChangedBlocks => Kind switch
    {
        InsertKind.LeafSplit or InsertKind.NodeSplit => 3,
        InsertKind.IndexMade or InsertKind.RootMovedDown => 2,
        _ => 1,
    };

    /// <summary>Keeps the block that changes.</summary>
    public void Hold(BlockLease lease)
    {
        _first.Dispose();
        _first = lease;
    }

    /// <summary>Keeps the node above it.</summary>
    public void HoldParent(BlockLease lease)
    {
        _second.Dispose();
        _second = lease;
    }

    /// <summary>Lets the blocks go.</summary>
    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        this = default;
    }
}
