using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Changes names in directories, with the space that takes. Needs the directories' locks
/// exclusively.</summary>
internal sealed class DirectoryEditor
{
    /// <summary>Steps before an insertion: an index made, a level added, each level split, and one more for the way
    /// back. </summary>
    private const int MaximumSteps = 8;

    private readonly VolumeContext _context;
    private readonly DirectoryReader _reader;
    private readonly InodeTable _inodes;
    private readonly FileMap _maps;
    private readonly MapEditor _mapEditor;
    private readonly HoleAllocator _holes;
    private readonly BlockAllocator _allocator;
    private readonly Journal _journal;
    private readonly InsertPlanner _planner;
    private readonly InlineDirectoryEditor _inline;

    public DirectoryEditor(
        VolumeContext context,
        DirectoryReader reader,
        InodeTable inodes,
        FileMap maps,
        MapEditor mapEditor,
        HoleAllocator holes,
        BlockAllocator allocator,
        XattrWriter attributes,
        Journal journal)
    {
        _context = context;
        _reader = reader;
        _inodes = inodes;
        _maps = maps;
        _mapEditor = mapEditor;
        _holes = holes;
        _allocator = allocator;
        _journal = journal;
        _planner = new InsertPlanner(context, maps, reader.Blocks, reader.Tree, reader.Settings);
        _inline = new InlineDirectoryEditor(
            context, reader, inodes, mapEditor, holes, allocator, attributes, journal);
        Writer = new DirectoryWriter(reader, _inline);
    }

    public DirectoryWriter Writer { get; }

    /// <summary>Prepares an insertion: plans it, makes the steps it takes, reserves its block.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Not in it yet.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <param name="plan">To be disposed in any case, behind the handle.</param>
    /// <param name="growth">The new block, or null; to be disposed in any case, behind the handle.</param>
    /// <returns>Ok, NoSpace, Corrupted for a directory whose index is unusable, ReadOnly for an aborted
    /// journal.</returns>
    /// <exception cref="Ext4CorruptException">A block that would change is damaged.</exception>
    /// <remarks>Holds no handle when it returns; the steps have had their own.</remarks>
    public Errno PrepareInsert(
        Inode directory,
        scoped ReadOnlySpan<byte> name,
        SpaceClaim claim,
        scoped ref InsertPlan plan,
        out BlockAddition? growth)
    {
        growth = null;
        for (int step = 0; step < MaximumSteps; step++)
        {
            Errno error;
            if (directory.Has(InodeFlags.InlineData))
            {
                error = PlanInside(directory, name, claim, ref plan, out bool isPlanned);
                if (error != Errno.Ok || isPlanned)
                {
                    return error;
                }
                continue;
            }
            error = _planner.Plan(directory, name, ref plan);
            if (error != Errno.Ok || !plan.NeedsBlock)
            {
                return error;
            }
            growth = new BlockAddition(_mapEditor, _holes, _allocator);
            error = growth.Prepare(directory, plan.NewFileBlock, LastBlock(directory, plan.NewFileBlock), claim);
            if (error == Errno.Ok && plan.IsStep)
            {
                error = MakeStep(directory, ref plan, growth);
            }
            else
            {
                return error;
            }
            growth.Dispose();
            growth = null;
            plan.Dispose();
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        throw new InvalidOperationException($"directory {directory.Number}: no end of steps to insert a name");
    }

    private Errno PlanInside(
        Inode directory, scoped ReadOnlySpan<byte> name, SpaceClaim claim, scoped ref InsertPlan plan,
        out bool isPlanned)
    {
        DirectoryLayout layout = _reader.Settings.LayoutOf(directory);
        int needed = DirectoryRecordHeader.LengthFor(name.Length, layout.HasStoredHash);
        isPlanned = _inline.TryPlan(directory, layout, needed, ref plan);
        if (isPlanned)
        {
            return Errno.Ok;
        }
        plan.Dispose();
        return _inline.MakeRoom(directory, layout, needed, claim);
    }

    /// <summary>Blocks that <see cref="Insert"/> adds to a transaction, the directory's inode included.</summary>
    public int InsertCredits(scoped ref InsertPlan plan, BlockAddition? growth) =>
        plan.ChangedBlocks + (growth?.Credits ?? _inodes.StoreCredits);

    /// <summary>Blocks that removing or replacing a name adds, the directory's inode included.</summary>
    public int ChangeCredits => 1 + _inodes.StoreCredits;

    /// <summary>Adds a name as prepared. The caller stores the directory.</summary>
    public void Insert(
        Handle handle,
        Inode directory,
        scoped ref InsertPlan plan,
        BlockAddition? growth,
        scoped ReadOnlySpan<byte> name,
        Inode inode)
    {
        Grow(handle, directory, growth);
        Writer.Insert(
            handle, directory, ref plan, growth?.Block ?? default, name, inode.Number, Writer.TypeOf(inode.Kind));
        DropUnusedIndex(directory);
    }

    /// <summary>Removes a name found under the same hold of the lock.</summary>
    public void Remove(Handle handle, Inode directory, EntryPlace place)
    {
        Writer.Remove(handle, directory, place);
        DropUnusedIndex(directory);
    }

    /// <summary>Makes a name found under the same hold of the lock refer to another inode.</summary>
    public void Replace(Handle handle, Inode directory, EntryPlace place, InodeNumber inode, DirectoryFileType type) =>
        Writer.Replace(handle, directory, place, inode, type);

    /// <summary>Holds the block a name was found in, so that changing it reads nothing.</summary>
    public BlockLease Hold(Inode directory, EntryPlace place) =>
        _context.Cache.Read(InlineDirectoryEditor.IsInside(place) ? directory.TableBlock : place.Block);

    /// <summary>Where a name is after another one was inserted into the same directory: in the same block still, or in
    /// the new one. Both are in memory.</summary>
    public EntryPlace Relocate(
        Inode directory, EntryPlace place, scoped ReadOnlySpan<byte> name, BlockAddition? growth)
    {
        if (InlineDirectoryEditor.IsInside(place))
        {
            return place;       // nothing but the new record moves there
        }
        Span<byte> buffer = stackalloc byte[SearchName.BufferBytes];
        Errno error = SearchName.TryPrepare(directory, _reader.Settings, name, buffer, out SearchName wanted);
        DirectoryLayout layout = _reader.Settings.LayoutOf(directory);
        if (error == Errno.Ok
            && (TryFindIn(layout, place.Block, place.FileBlock, wanted, out EntryPlace found)
                || (growth is not null && TryFindIn(layout, growth.Block, growth.FileBlock, wanted, out found))))
        {
            return found;
        }
        throw new InvalidOperationException($"directory {directory.Number}: a name was lost by an insertion");
    }

    private bool TryFindIn(
        in DirectoryLayout layout, FsBlock block, uint fileBlock, scoped SearchName wanted, out EntryPlace place)
    {
        using BlockLease lease = _context.Cache.Read(block);
        bool isFound = DirectoryFinder.FindInArea(
            lease.Bytes[..layout.LeafBytes], layout, fileBlock, wanted, out place);
        place = place with { Block = block };
        return isFound;
    }

    private Errno MakeStep(Inode directory, scoped ref InsertPlan plan, BlockAddition growth)
    {
        Errno error = _journal.TryStart(plan.ChangedBlocks + growth.Credits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            Grow(handle, directory, growth);
            Writer.MakeStep(handle, directory, ref plan, growth.Block);
            _inodes.Store(handle, directory);
            handle.Complete();
            return Errno.Ok;
        }
    }

    private void Grow(Handle handle, Inode directory, BlockAddition? growth)
    {
        if (growth is not null)
        {
            growth.Apply(handle);
            directory.SizeBytes += _context.Geometry.BlockSizeBytes;
        }
    }

    /// <summary>Without dir_index an index is no longer kept: others must not believe it. Kernel: ext4_update_dx_flag.
    /// </summary>
    private void DropUnusedIndex(Inode directory)
    {
        if (!_reader.Settings.HasIndex)
        {
            directory.Flags &= ~InodeFlags.HashIndexed;
        }
    }

    private FsBlock LastBlock(Inode directory, uint end) =>
        end > 0 && _maps.TryGetBlock(directory, end - 1, out FsBlock block) ? block : default;
}
