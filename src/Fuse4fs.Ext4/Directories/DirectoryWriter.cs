using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Changes directories inside a journal handle. What can fail was done before: see <see
/// cref="InsertPlanner"/> and <see cref="DirectoryFinder"/>. Needs the directory's lock exclusively; the caller stores
/// the inode.</summary>
internal sealed class DirectoryWriter(DirectoryReader reader, InlineDirectoryEditor inline)
{
    private readonly DirectoryBlocks _blocks = reader.Blocks;
    private readonly DirectorySettings _settings = reader.Settings;

    /// <summary>What a record says of an inode of a kind.</summary>
    public DirectoryFileType TypeOf(FileKind kind)
    {
        if (!_settings.HasFileTypes)
        {
            return DirectoryFileType.Unknown;
        }
        return kind switch
        {
            FileKind.Regular => DirectoryFileType.Regular,
            FileKind.Directory => DirectoryFileType.Directory,
            FileKind.CharacterDevice => DirectoryFileType.CharacterDevice,
            FileKind.BlockDevice => DirectoryFileType.BlockDevice,
            FileKind.Fifo => DirectoryFileType.Fifo,
            FileKind.Socket => DirectoryFileType.Socket,
            FileKind.Symlink => DirectoryFileType.Symlink,
            _ => DirectoryFileType.Unknown,
        };
    }

    /// <summary>Adds a name.</summary>
    /// <param name="handle">Has credits for the plan's _blocks.</param>
    /// <param name="directory">Where.</param>
    /// <param name="plan">Of this name, no mere step, made under the same hold of the lock.</param>
    /// <param name="fresh">The plan's new block, mapped already.</param>
    /// <param name="name">The name.</param>
    /// <param name="inode">What it refers to.</param>
    /// <param name="type">From <see cref="TypeOf"/>.</param>
    public void Insert(
        Handle handle,
        Inode directory,
        scoped ref InsertPlan plan,
        FsBlock fresh,
        scoped ReadOnlySpan<byte> name,
        InodeNumber inode,
        DirectoryFileType type)
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        var added = new NewRecord(name, inode, type, plan.Hash);
        switch (plan.Kind)
        {
            case InsertKind.InPlace when directory.Has(InodeFlags.InlineData):
                inline.Insert(handle, directory, layout, ref plan, added);
                break;
            case InsertKind.InPlace:
                using (BlockLease leaf = handle.Update(plan.Block))
                {
                    LeafEditor.Insert(leaf.Bytes[..layout.LeafBytes], layout, plan.Offset, added);
                    LeafEditor.Seal(leaf.Bytes, layout, directory.ChecksumSeed);
                }
                break;
            case InsertKind.Packed:
                using (BlockLease leaf = handle.Update(plan.Block))
                {
                    LeafEditor.Pack(leaf.Bytes, layout, plan.FileBlock);
                    AddTo(leaf, directory, layout, plan.FileBlock, added);
                }
                break;
            case InsertKind.Appended:
                using (BlockLease leaf = handle.Create(fresh))
                {
                    LeafEditor.InitializeEmpty(leaf.Bytes, layout);
                    AddTo(leaf, directory, layout, plan.NewFileBlock, added);
                }
                break;
            case InsertKind.LeafSplit:
                SplitLeaf(handle, directory, layout, ref plan, fresh, added);
                break;
            default:
                throw new InvalidOperationException($"{plan.Kind} is only a step");
        }
    }

    /// <summary>Makes a step towards an insertion.</summary>
    /// <param name="handle">Has credits for the plan's _blocks.</param>
    /// <param name="directory">Where.</param>
    /// <param name="plan">A step, made under the same hold of the lock.</param>
    /// <param name="fresh">The plan's new block, mapped already.</param>
    public void MakeStep(Handle handle, Inode directory, scoped ref InsertPlan plan, FsBlock fresh)
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        uint seed = directory.ChecksumSeed;
        using BlockLease old = handle.Update(plan.Block);
        using BlockLease created = handle.Create(fresh);
        switch (plan.Kind)
        {
            case InsertKind.IndexMade:
                old.Bytes.CopyTo(created.Bytes);
                LeafEditor.RemoveDots(created.Bytes, layout);
                LeafEditor.Seal(created.Bytes, layout, seed);
                HashTreeEditor.InitializeRoot(old.Bytes, layout, _settings.DefaultHash, plan.NewFileBlock);
                HashTreeEditor.Seal(old.Bytes, isRoot: true, layout, seed);
                directory.Flags |= InodeFlags.HashIndexed;
                directory.HasDamagedIndex = false;
                break;
            case InsertKind.RootMovedDown:
                HashTreeEditor.Grow(old.Bytes, created.Bytes, layout, plan.NewFileBlock);
                HashTreeEditor.Seal(old.Bytes, isRoot: true, layout, seed);
                HashTreeEditor.Seal(created.Bytes, isRoot: false, layout, seed);
                break;
            case InsertKind.NodeSplit:
                uint hash = HashTreeEditor.Split(old.Bytes, created.Bytes, layout);
                HashTreeEditor.Seal(old.Bytes, isRoot: false, layout, seed);
                HashTreeEditor.Seal(created.Bytes, isRoot: false, layout, seed);
                AddEntry(handle, directory, layout, ref plan, hash);
                break;
            default:
                throw new InvalidOperationException($"{plan.Kind} is no step");
        }
    }

    /// <summary>Removes a name. One block changes.</summary>
    public void Remove(Handle handle, Inode directory, EntryPlace place)
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        if (InlineDirectoryEditor.IsInside(place))
        {
            inline.Remove(handle, directory, layout, place);
            return;
        }
        using BlockLease leaf = handle.Update(place.Block);
        LeafEditor.Remove(leaf.Bytes[..layout.LeafBytes], layout, place.FileBlock, place.Offset);
        LeafEditor.Seal(leaf.Bytes, layout, directory.ChecksumSeed);
    }

    /// <summary>Makes a name refer to another inode. One block changes; for ".." that may be the root of an index.
    /// </summary>
    public void Replace(
        Handle handle, Inode directory, EntryPlace place, InodeNumber inode, DirectoryFileType type)
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        if (InlineDirectoryEditor.IsInside(place))
        {
            inline.Replace(handle, directory, place, inode, type);
            return;
        }
        using BlockLease lease = handle.Update(place.Block);
        LeafEditor.Replace(lease.Bytes, place.Offset, inode, type);
        if (place.FileBlock == 0 && _settings.HasIndex && directory.Has(InodeFlags.HashIndexed))
        {
            HashTreeEditor.Seal(lease.Bytes, isRoot: true, layout, directory.ChecksumSeed);
        }
        else
        {
            LeafEditor.Seal(lease.Bytes, layout, directory.ChecksumSeed);
        }
    }

    /// <summary>Fills the first block of a new directory.</summary>
    public void InitializeFirst(Handle handle, Inode directory, FsBlock block, InodeNumber parent)
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        using BlockLease lease = handle.Create(block);
        LeafEditor.InitializeFirst(lease.Bytes, layout, parent, _settings.HasFileTypes);
        LeafEditor.Seal(lease.Bytes, layout, directory.ChecksumSeed);
    }

    /// <summary>Whether a directory holds nothing but "." and "..".</summary>
    /// <exception cref="Ext4CorruptException">A block is damaged.</exception>
    public bool IsEmpty(Inode directory)
    {
        DirectoryLayout layout = _settings.LayoutOf(directory);
        if (directory.Has(InodeFlags.InlineData))
        {
            return reader.Inline.IsEmpty(directory, layout);
        }
        for (uint at = 0; _blocks.TryReadNextLeaf(directory, layout, ref at, out BlockLease lease); at++)
        {
            using (lease)
            {
                foreach (DirectoryRecord record in new DirectoryRecords(lease.Bytes[..layout.LeafBytes], layout, at))
                {
                    if (record.IsUsed && !record.IsDot)
                    {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    private static void AddTo(
        BlockLease leaf, Inode directory, in DirectoryLayout layout, uint fileBlock, in NewRecord added)
    {
        Span<byte> area = leaf.Bytes[..layout.LeafBytes];
        int needed = DirectoryRecordHeader.LengthFor(added.Name.Length, layout.HasStoredHash);
        if (!LeafEditor.TryFindRoom(area, layout, fileBlock, needed, out int offset))
        {
            throw new InvalidOperationException($"directory {directory.Number}: no room in block {fileBlock} after all");
        }
        LeafEditor.Insert(area, layout, offset, added);
        LeafEditor.Seal(leaf.Bytes, layout, directory.ChecksumSeed);
    }

    private static void SplitLeaf(
        Handle handle,
        Inode directory,
        in DirectoryLayout layout,
        scoped ref InsertPlan plan,
        FsBlock freshBlock,
        scoped NewRecord added)
    {
        uint hash;
        using (BlockLease leaf = handle.Update(plan.Block))
        using (BlockLease fresh = handle.Create(freshBlock))
        {
            hash = LeafEditor.Split(leaf.Bytes, fresh.Bytes, layout, plan.FileBlock, plan.Hasher);
            LeafEditor.Seal(leaf.Bytes, layout, directory.ChecksumSeed);
            LeafEditor.Seal(fresh.Bytes, layout, directory.ChecksumSeed);
            bool isUpper = added.Hash.Major >= (hash & ~1u);
            AddTo(
                isUpper ? fresh : leaf, directory, layout, isUpper ? plan.NewFileBlock : plan.FileBlock, added);
        }
        AddEntry(handle, directory, layout, ref plan, hash);
    }

    private static void AddEntry(
        Handle handle, Inode directory, in DirectoryLayout layout, scoped ref InsertPlan plan, uint hash)
    {
        using BlockLease node = handle.Update(plan.Parent);
        HashTreeEditor.Insert(node.Bytes, plan.IsParentRoot, layout, plan.ParentEntry, hash, plan.NewFileBlock);
        HashTreeEditor.Seal(node.Bytes, plan.IsParentRoot, layout, directory.ChecksumSeed);
    }
}
