using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Changes maps of either kind: each inode's flag says which editor is its own. Contract:
/// <see cref="IMapEditor"/>.</summary>
internal sealed class MapEditor(VolumeContext context, BlockAllocator allocator, InodeTable inodes)
{
    private readonly IndirectEditor _indirect = new(context, allocator, inodes);

    /// <summary>What only extent trees can: unwritten blocks, moving blocks within the file.</summary>
    public ExtentTree Extents { get; } = new(context, allocator, inodes);

    /// <summary>Gives a new inode an empty map, of the kind the volume's new files have.</summary>
    public void Initialize(Inode inode)
    {
        if (context.Geometry.Has(IncompatFeatures.Extents))
        {
            ExtentTree.Initialize(inode);
        }
        else
        {
            inode.BlockAreaBytes.Clear();
        }
    }

    /// <summary>Largest size of a file, as its map is.</summary>
    public long MaximumFileBytes(Inode inode) => EditorOf(inode).MaximumFileBytes;

    /// <inheritdoc cref="IMapEditor.InsertLimit"/>
    public ulong InsertLimit(Inode inode, uint fileBlock) => EditorOf(inode).InsertLimit(fileBlock);

    /// <inheritdoc cref="IMapEditor.PrepareInsert"/>
    public Errno PrepareInsert(Inode inode, uint fileBlock, FsBlock near, MapChange change) =>
        EditorOf(inode).PrepareInsert(inode, fileBlock, near, change);

    /// <inheritdoc cref="IMapEditor.PrepareRemove"/>
    public Errno PrepareRemove(
        Inode inode, uint first, ulong end, int maximumCredits, int maximumForgets, MapChange change) =>
        EditorOf(inode).PrepareRemove(inode, first, end, maximumCredits, maximumForgets, change);

    private IMapEditor EditorOf(Inode inode) => inode.Has(InodeFlags.Extents) ? Extents : _indirect;
}
