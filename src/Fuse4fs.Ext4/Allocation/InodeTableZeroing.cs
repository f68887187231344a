using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>mke2fs leaves inode tables unwritten; whatever was on the disk before is still there. Before an inode is
/// used for the first time its part of the table is zeroed, and the rest in the background. Kernel:
/// ext4_init_inode_table.
/// </summary>
/// <remarks>Zeros are written home, not journaled: nothing refers to that part of the table before the commit of the
/// handle that uses it, whose flush makes them durable.</remarks>
internal sealed class InodeTableZeroing(SpaceParts parts)
{
    private const int GateCount = 64;
    private const int ChunkBytes = 64 * 1024;

    private readonly VolumeContext _context = parts.Context;
    private readonly Lock[] _gates = [.. Enumerable.Range(0, GateCount).Select(_ => new Lock())];

    /// <summary>Makes sure that the table holds no rubbish up to an inode. Not in a handle.</summary>
    /// <param name="group">Which.</param>
    /// <param name="index">The inode's place in its group, from 0.</param>
    public void EnsureZeroed(GroupNumber group, int index)
    {
        GroupState state = parts.Groups.State(group);
        if (index < Volatile.Read(ref state.ZeroedInodes))
        {
            return;
        }
        lock (_gates[group.Value % GateCount])
        {
            using GroupLease descriptor = parts.Groups.Open(group);
            if (state.ZeroedInodes < 0)
            {
                state.ZeroedInodes = UsedInodes(group, descriptor);
            }
            while (index >= state.ZeroedInodes)
            {
                ZeroChunk(state, descriptor.View.InodeTable);
            }
        }
    }

    /// <summary>Zeroes the next part of a group's table, in the background.</summary>
    /// <returns>False when the whole table is zeroed; then <see cref="MarkZeroed"/> tells the disk.</returns>
    public bool ZeroMore(GroupNumber group)
    {
        GroupState state = parts.Groups.State(group);
        int zeroed = Volatile.Read(ref state.ZeroedInodes);
        if (zeroed >= _context.Geometry.InodesPerGroup)
        {
            return false;
        }
        EnsureZeroed(group, Math.Max(0, zeroed));
        return Volatile.Read(ref state.ZeroedInodes) < _context.Geometry.InodesPerGroup;
    }

    /// <summary>True when a group's table needs zeroing.</summary>
    /// <exception cref="Ext4CorruptException">The descriptor is damaged.</exception>
    public bool Needs(GroupNumber group)
    {
        if (!_context.Geometry.HasGroupChecksums)
        {
            return false;
        }
        using GroupLease descriptor = parts.Groups.Open(group);
        return !descriptor.View.Flags.HasFlag(GroupFlags.InodeTableZeroed);
    }

    /// <summary>Records in the descriptor that the table is zeroed. Changes one block.</summary>
    public void MarkZeroed(Handle handle, GroupNumber group)
    {
        lock (parts.Groups.Gate(group))
        {
            using GroupLease descriptor = parts.Groups.Change(handle, group);
            GroupDescriptorView view = descriptor.View;
            view.Flags |= GroupFlags.InodeTableZeroed;
            parts.Groups.Seal(descriptor);
        }
    }

    private int UsedInodes(GroupNumber group, in GroupLease descriptor)
    {
        Geometry geometry = _context.Geometry;
        lock (parts.Groups.Gate(group))
        {
            GroupDescriptorView view = descriptor.View;
            if (!geometry.HasGroupChecksums || view.Flags.HasFlag(GroupFlags.InodeTableZeroed))
            {
                return (int)geometry.InodesPerGroup;
            }
            uint used = view.Flags.HasFlag(GroupFlags.InodesUninitialized)
                ? 0
                : geometry.InodesPerGroup - Math.Min(view.UnusedInodes, geometry.InodesPerGroup);
            uint perBlock = (uint)geometry.InodesPerBlock;
            return (int)((used + perBlock - 1) / perBlock * perBlock);
        }
    }

    /// <summary>What somebody may have read of the table before must not come back.</summary>
    private void ForgetStale(FsBlock block)
    {
        if (_context.Cache.TryPin(block) is BlockFrame cached)
        {
            _context.Cache.Zeroed(block).Dispose();
            cached.Unpin();
        }
    }

    private void ZeroChunk(GroupState state, FsBlock table)
    {
        Geometry geometry = _context.Geometry;
        uint first = (uint)(state.ZeroedInodes / geometry.InodesPerBlock);
        uint count = Math.Min(
            (uint)Math.Max(1, ChunkBytes / geometry.BlockSizeBytes), geometry.InodeTableBlocks - first);
        _context.Device.WriteZeros(
            (long)(table.Value + first) << geometry.BlockSizeShift, (long)count << geometry.BlockSizeShift);
        for (uint i = 0; i < count; i++)
        {
            ForgetStale(table + (first + i));
        }
        Volatile.Write(ref state.ZeroedInodes, (int)(first + count) * geometry.InodesPerBlock);
    }
}
