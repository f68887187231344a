using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Where the blocks of a file, directory or long symlink are: one answer for extent trees, block maps and data
/// inside the inode, from the inode's map cache where possible.</summary>
public sealed class FileMap
{
    private readonly ExtentReader _extents;
    private readonly IndirectReader _indirect;

    /// <summary>For all inodes of a volume.</summary>
    public FileMap(VolumeContext context)
    {
        _extents = new ExtentReader(context);
        _indirect = new IndirectReader(context);
    }

    /// <summary>What a file block is, and how far that goes.</summary>
    /// <param name="inode">Its lock is held, shared or exclusively. Has blocks by its kind: not a device node, not a
    /// symlink that is in the inode.</param>
    /// <param name="fileBlock">Any block below 2^32 - 1, also behind the file's end.</param>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public MapRun Find(Inode inode, uint fileBlock)
    {
        if (inode.Has(InodeFlags.InlineData))
        {
            return new MapRun(RunKind.Inline, fileBlock, ExtentNodePlace.FileEnd - fileBlock, default);
        }
        if (inode.Map.TryFind(fileBlock, out MapRun run))
        {
            return run;
        }
        if (fileBlock >= ExtentNodePlace.FileEnd)
        {
            return new MapRun(RunKind.Hole, fileBlock, 1, default);
        }
        MapWindow window = inode.Has(InodeFlags.Extents)
            ? _extents.LoadLeaf(inode, fileBlock)
            : _indirect.LoadPart(inode, fileBlock);
        inode.Map.Fill(window);
        // A full cache may have been replaced by another thread meanwhile: answer from the window itself.
        return window.Find(fileBlock);
    }

    /// <summary>The device block of a file block that must exist, as every block of a directory must.</summary>
    /// <returns>False for a hole or an unwritten block.</returns>
    public bool TryGetBlock(Inode inode, uint fileBlock, out FsBlock block)
    {
        MapRun run = Find(inode, fileBlock);
        block = run.Start;
        return run.Kind == RunKind.Written;
    }
}
