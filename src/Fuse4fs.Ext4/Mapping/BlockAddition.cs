using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>One block to be mapped into a directory or symlink: reserved before a handle, mapped in it.</summary>
internal sealed class BlockAddition(MapEditor maps, HoleAllocator holes, BlockAllocator allocator) : IDisposable
{
    private readonly MapChange _change = new();
    private Inode? _inode;
    private HoleSpace _space;
    private BlockRun _reserved;

    /// <summary>Its number within the file.</summary>
    public uint FileBlock { get; private set; }

    /// <summary>The block, once it is reserved.</summary>
    public FsBlock Block { get; private set; }

    /// <summary>Blocks that <see cref="Apply"/> adds to a transaction, the inode's own included, the block itself not.
    /// </summary>
    public int Credits => _change.Credits + BlockAllocator.CommitCredits;

    /// <summary>Reserves the block and what mapping it needs.</summary>
    /// <param name="inode">Its lock is held exclusively.</param>
    /// <param name="fileBlock">A hole.</param>
    /// <param name="near">A block it should follow; 0 for none.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <returns>Ok, NoSpace or FileTooBig.</returns>
    public Errno Prepare(Inode inode, uint fileBlock, FsBlock near, SpaceClaim claim)
    {
        (_inode, FileBlock) = (inode, fileBlock);
        Errno error = maps.PrepareInsert(inode, fileBlock, near, _change);
        if (error != Errno.Ok)
        {
            return error;
        }
        var goal = new AllocationGoal
        {
            Owner = inode.Number,
            Near = near.Value == 0 ? default : near + 1,
            IsBlockMapped = !inode.Has(InodeFlags.Extents),
        };
        var hole = new MapRun(RunKind.Hole, fileBlock, 1, default);
        error = holes.Reserve(inode, in hole, 1, in goal, claim, out _space);
        _reserved = _space.Fresh;
        Block = _space.Blocks.Start;
        return error;
    }

    /// <summary>Maps the block. The inode is stored by the caller.</summary>
    public void Apply(Handle handle)
    {
        _reserved = default;
        allocator.Commit(handle, _space.Fresh);
        var extent = new Extent(FileBlock, Block, LengthBlocks: 1, IsUnwritten: false);
        _change.Insert(handle, in extent, _space.Fresh.LengthBlocks);
    }

    /// <summary>Ends it, applied or not.</summary>
    public void Dispose()
    {
        if (_inode is not null)
        {
            _change.Finish();
            allocator.Cancel(_reserved);
            _reserved = default;
            _inode = null;
        }
    }
}
