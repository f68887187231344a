using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Changes where a file's blocks are, one leaf of its map at a time: first <em>prepare</em> (reads, checks,
/// reserves; may fail), then begin a handle with the change's credits, <em>apply</em> (cannot fail but for the medium),
/// store the inode, end the handle, <em>finish</em>. The caller holds the inode's lock exclusively all the time.
/// i_blocks and the inode's map cache follow by themselves.</summary>
internal interface IMapEditor
{
    /// <summary>Largest size of a file with a map of this kind.</summary>
    long MaximumFileBytes { get; }

    /// <summary>How far an insertion that begins at a file block may reach.</summary>
    /// <returns>First file block behind it; the block itself when the map cannot have it.</returns>
    ulong InsertLimit(uint fileBlock);

    /// <summary>Prepares to map file blocks that are a hole.</summary>
    /// <param name="inode">Has a map of this kind.</param>
    /// <param name="fileBlock">First block of the hole's part.</param>
    /// <param name="near">A device block near which new nodes go; 0 for none.</param>
    /// <param name="change">Filled.</param>
    /// <returns>NoSpace, FileTooBig for a map that cannot grow or blocks that cannot be counted, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">A node is damaged.</exception>
    Errno PrepareInsert(Inode inode, uint fileBlock, FsBlock near, MapChange change);

    /// <summary>Maps blocks that are a hole.</summary>
    /// <param name="handle">Begun with the change's credits and those of the blocks' own allocation.</param>
    /// <param name="change">From <see cref="PrepareInsert"/> for the extent's first block.</param>
    /// <param name="extent">Ends before the next one begins, within the limit of one insertion.</param>
    /// <param name="freshBlocks">Blocks that are the file's only now: of whole clusters, 0 inside one it had.</param>
    void Insert(Handle handle, MapChange change, in Extent extent, uint freshBlocks);

    /// <summary>Prepares to unmap and free a range, as far as one leaf and the budget go.</summary>
    /// <param name="inode">Has a map of this kind.</param>
    /// <param name="first">First file block.</param>
    /// <param name="end">Behind the last one; <see cref="MapChange.End"/> says how far this change will get.</param>
    /// <param name="maximumCredits">Bound of the change's credits.</param>
    /// <param name="maximumForgets">Bound of the journaled blocks it frees; at least one per level and one more.</param>
    /// <param name="change">Filled; without entries there is nothing to apply up to its end.</param>
    /// <returns>As <see cref="PrepareInsert"/>.</returns>
    Errno PrepareRemove(Inode inode, uint first, ulong end, int maximumCredits, int maximumForgets, MapChange change);

    /// <summary>Unmaps and frees what lies between a block and the change's end.</summary>
    /// <param name="handle">Begun with the change's credits and forgets.</param>
    /// <param name="change">From <see cref="PrepareRemove"/>; has entries.</param>
    /// <param name="first">As prepared.</param>
    void Remove(Handle handle, MapChange change, uint first);

    /// <summary>Ends a change, applied or not: lets nodes go and gives unused reservations back.</summary>
    void Finish(MapChange change);
}
