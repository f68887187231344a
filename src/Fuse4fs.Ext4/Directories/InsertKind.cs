namespace Fuse4fs.Ext4.Directories;

/// <summary>How a name gets into a directory, or the next step towards it: every step is a valid directory, adds at
/// most one block, and has a journal handle of its own.</summary>
internal enum InsertKind
{
    /// <summary>Into free space of a block.</summary>
    InPlace,

    /// <summary>Into a block whose free space is in pieces: it is packed first.</summary>
    Packed,

    /// <summary>Into a new block at the end of a directory without index.</summary>
    Appended,

    /// <summary>Into one of the halves of a full leaf.</summary>
    LeafSplit,

    /// <summary>A step: the only block is full and becomes the root of an index over one leaf.</summary>
    IndexMade,

    /// <summary>A step: the root and all nodes on the way are full; the tree gets a level.</summary>
    RootMovedDown,

    /// <summary>A step: a full node on the way is split; the one above has room.</summary>
    NodeSplit,
}
