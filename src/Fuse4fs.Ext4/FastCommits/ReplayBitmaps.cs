using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Bitmaps and group descriptors during a replay. Setting what is set and clearing what is clear changes
/// nothing, so that counts stay right however often a replay is repeated.</summary>
internal sealed class ReplayBitmaps(ReplayBlocks blocks, Geometry geometry, Checksums checksums)
{
    private readonly HashSet<GroupNumber> _changed = [];

    /// <summary>Where the search for a free block goes on, by the group it began in.</summary>
    private readonly Dictionary<GroupNumber, FreeSearch> _searches = [];

    /// <summary>Marks blocks used.</summary>
    public void Use(FsBlock first, uint count) => Mark(first, count, isUsed: true);

    /// <summary>Marks blocks free.</summary>
    public void Free(FsBlock first, uint count) => Mark(first, count, isUsed: false);

    /// <summary>Takes a certain block.</summary>
    /// <returns>False when it is in use.</returns>
    public bool TryUse(FsBlock block)
    {
        GroupNumber group = geometry.GroupOf(block);
        int bit = (int)((block.Value - geometry.FirstBlock(group).Value) >> geometry.ClusterShift);
        if (new BitmapView(BlockBitmap(group))[bit])
        {
            return false;
        }
        Use(block, 1);
        return true;
    }

    /// <summary>Takes a free block, in the group of the goal or the next one that has any.</summary>
    /// <exception cref="Ext4CorruptException">The volume is full: the fast commits do not belong to it.</exception>
    public FsBlock Allocate(GroupNumber goal)
    {
        FreeSearch from = _searches.GetValueOrDefault(goal);
        for (FreeSearch at = from; at.GroupsPassed < geometry.GroupCount; at = new FreeSearch(at.GroupsPassed + 1, 0))
        {
            var group = new GroupNumber((uint)(((ulong)goal.Value + at.GroupsPassed) % geometry.GroupCount));
            if (View(group, isChange: false).FreeClusters == 0)
            {
                continue;
            }
            int clusters = (int)geometry.ClustersIn(group);
            int bit = new BitmapView(BlockBitmap(group)).NextClear(Math.Min(at.Bit, clusters), clusters);
            if (bit < clusters)
            {
                FsBlock block = geometry.FirstBlock(group) + ((ulong)bit << geometry.ClusterShift);
                Use(block, 1);
                _searches[goal] = at with { Bit = bit };
                return block;
            }
        }
        Ext4CorruptException.Throw(Corruption.FastCommit, "fast commit: no free block");
        return default;
    }

    /// <summary>Whether an inode is marked used.</summary>
    public bool IsInodeUsed(InodeNumber inode)
    {
        GroupNumber group = geometry.GroupOf(inode);
        if (Has(View(group, isChange: false), GroupFlags.InodesUninitialized))
        {
            return false;
        }
        return new BitmapView(blocks.Read(View(group, isChange: false).InodeBitmap))[(int)geometry.IndexInGroup(inode)];
    }

    /// <summary>Marks an inode used.</summary>
    public void UseInode(InodeNumber inode, bool isDirectory)
    {
        GroupNumber group = geometry.GroupOf(inode);
        InitializeInodes(group);
        GroupDescriptorView view = View(group, isChange: true);
        int index = (int)geometry.IndexInGroup(inode);
        var bits = new BitmapView(blocks.Change(view.InodeBitmap));
        if (!bits[index])
        {
            bits.Set(index, 1);
            view.FreeInodes -= Math.Min(1, view.FreeInodes);
            view.Directories += isDirectory ? 1u : 0u;
        }
        if (geometry.HasGroupChecksums)
        {
            view.UnusedInodes = Math.Min(view.UnusedInodes, geometry.InodesPerGroup - (uint)index - 1);
        }
    }

    /// <summary>Marks an inode free.</summary>
    public void FreeInode(InodeNumber inode, bool isDirectory)
    {
        if (!IsInodeUsed(inode))
        {
            return;
        }
        GroupDescriptorView view = View(geometry.GroupOf(inode), isChange: true);
        new BitmapView(blocks.Change(view.InodeBitmap)).Clear((int)geometry.IndexInGroup(inode), 1);
        view.FreeInodes++;
        view.Directories -= isDirectory && view.Directories > 0 ? 1u : 0u;
    }

    /// <summary>Renews the checksums of everything changed.</summary>
    public void Seal()
    {
        foreach (GroupNumber group in _changed)
        {
            GroupDescriptorView view = View(group, isChange: true);
            if (checksums.IsEnabled)
            {
                if (!Has(view, GroupFlags.BlocksUninitialized))
                {
                    view.BlockBitmapChecksum = checksums.OfBlockBitmap(blocks.Read(view.BlockBitmap));
                }
                if (!Has(view, GroupFlags.InodesUninitialized))
                {
                    view.InodeBitmapChecksum = checksums.OfInodeBitmap(blocks.Read(view.InodeBitmap));
                }
            }
            if (geometry.HasGroupChecksums)
            {
                view.Checksum = checksums.OfGroupDescriptor(group, view.Bytes);
            }
        }
    }

    /// <summary>Adds up the groups, for the superblock.</summary>
    public (ulong FreeClusters, uint FreeInodes) Sum()
    {
        ulong clusters = 0;
        uint inodes = 0;
        for (uint i = 0; i < geometry.GroupCount; i++)
        {
            GroupDescriptorView view = View(new GroupNumber(i), isChange: false);
            clusters += view.FreeClusters;
            inodes += view.FreeInodes;
        }
        return (clusters, inodes);
    }

    /// <summary>First block of a group's inode table.</summary>
    public FsBlock InodeTable(GroupNumber group) => View(group, isChange: false).InodeTable;

    private bool Has(GroupDescriptorView view, GroupFlags flag) =>
        geometry.HasGroupChecksums && view.Flags.HasFlag(flag);

    private GroupDescriptorView View(GroupNumber group, bool isChange)
    {
        (FsBlock block, int offset) = geometry.DescriptorOf(group);
        byte[] bytes = isChange ? blocks.Change(block) : blocks.Read(block);
        if (isChange)
        {
            _changed.Add(group);
        }
        var view = new GroupDescriptorView(bytes.AsSpan(offset, geometry.DescriptorSizeBytes));
        if (!geometry.IsDataRange(view.BlockBitmap, 1) || !geometry.IsDataRange(view.InodeBitmap, 1)
            || !geometry.IsDataRange(view.InodeTable, geometry.InodeTableBlocks))
        {
            Ext4CorruptException.Throw(Corruption.GroupDescriptorLocation, $"descriptor of group {group}");
        }
        return view;
    }

    private Span<byte> BlockBitmap(GroupNumber group)
    {
        GroupDescriptorView view = View(group, isChange: false);
        if (!Has(view, GroupFlags.BlocksUninitialized))
        {
            return blocks.Read(view.BlockBitmap);
        }
        view = View(group, isChange: true);
        byte[] bitmap = blocks.Create(view.BlockBitmap);
        GroupLayout.FillUninitialized(geometry, group, view, bitmap);
        view.Flags &= ~GroupFlags.BlocksUninitialized;
        return bitmap;
    }

    private void InitializeInodes(GroupNumber group)
    {
        GroupDescriptorView view = View(group, isChange: false);
        if (!Has(view, GroupFlags.InodesUninitialized))
        {
            return;
        }
        view = View(group, isChange: true);
        byte[] bitmap = blocks.Create(view.InodeBitmap);
        int bits = bitmap.Length * 8;
        new BitmapView(bitmap).Set((int)geometry.InodesPerGroup, bits - (int)geometry.InodesPerGroup);
        view.Flags &= ~GroupFlags.InodesUninitialized;
        _ = BlockBitmap(group);
    }

    private void Mark(FsBlock first, uint count, bool isUsed)
    {
        while (count > 0)
        {
            GroupNumber group = geometry.GroupOf(first);
            FsBlock groupStart = geometry.FirstBlock(group);
            uint offset = (uint)(first.Value - groupStart.Value);
            uint here = Math.Min(count, geometry.BlocksIn(group) - offset);
            int firstBit = (int)(offset >> geometry.ClusterShift);
            int lastBit = (int)((offset + here - 1) >> geometry.ClusterShift);
            MarkBits(group, firstBit, lastBit - firstBit + 1, isUsed);
            first += here;
            count -= here;
        }
    }

    private void MarkBits(GroupNumber group, int first, int count, bool isUsed)
    {
        _ = BlockBitmap(group);
        GroupDescriptorView view = View(group, isChange: true);
        var bits = new BitmapView(blocks.Change(view.BlockBitmap));
        uint free = (uint)bits.CountClear(first, first + count);
        if (isUsed)
        {
            bits.Set(first, count);
            view.FreeClusters -= Math.Min(free, view.FreeClusters);
        }
        else
        {
            bits.Clear(first, count);
            _searches.Clear();
            view.FreeClusters += (uint)count - free;
        }
    }

    /// <summary>Where a block was found. What lies before is used, unless something was freed.</summary>
    /// <param name="GroupsPassed">Groups behind that of the goal.</param>
    /// <param name="Bit">In the bitmap of the group.</param>
    private readonly record struct FreeSearch(uint GroupsPassed, int Bit);
}
