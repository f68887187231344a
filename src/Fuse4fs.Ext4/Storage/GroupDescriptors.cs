using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Finds and checks group descriptors on demand; nothing is read for a group that nobody asks for.</summary>
/// <remarks>Only locations are answered here: they never change while mounted, so no lock is needed. Counts and flags
/// belong to the allocation's table.</remarks>
public sealed class GroupDescriptors
{
    private const int ChunkShift = 10;

    private readonly BlockCache _cache;
    private readonly Geometry _geometry;
    private readonly Checksums _checksums;

    /// <summary>First block of each inode table, 0 while unknown. Written racily: every writer finds the same.</summary>
    private readonly ulong[]?[] _tables;

    /// <summary>Reads nothing yet.</summary>
    public GroupDescriptors(BlockCache cache, Geometry geometry, Checksums checksums)
    {
        _cache = cache;
        _geometry = geometry;
        _checksums = checksums;
        _tables = new ulong[((geometry.GroupCount - 1) >> ChunkShift) + 1][];
    }

    /// <summary>First block of a group's inode table; the whole table is inside the volume.</summary>
    /// <exception cref="Ext4CorruptException">The descriptor is damaged.</exception>
    public FsBlock InodeTable(GroupNumber group)
    {
        ulong[] chunk = Chunk(group);
        int index = (int)(group.Value & ((1 << ChunkShift) - 1));
        ulong table = Volatile.Read(ref chunk[index]);
        if (table == 0)
        {
            (FsBlock block, int offset) = _geometry.DescriptorOf(group);
            using BlockLease lease = _cache.Read(block);
            GroupDescriptorView view = View(lease, offset);
            Verify(group, view);
            table = view.InodeTable.Value;
            Volatile.Write(ref chunk[index], table);
        }
        return new FsBlock(table);
    }

    /// <summary>Checks a descriptor's checksum and the three locations in it.</summary>
    /// <exception cref="Ext4CorruptException">It is damaged.</exception>
    public void Verify(GroupNumber group, GroupDescriptorView view)
    {
        if (_geometry.HasGroupChecksums)
        {
            ushort expected = _checksums.OfGroupDescriptor(group, view.Bytes);
            if (view.Checksum != expected)
            {
                Ext4CorruptException.Throw(Corruption.GroupDescriptorChecksum,
                    $"descriptor of group {group}: expected {expected:x4}, found {view.Checksum:x4}");
            }
        }
        CheckLocation(group, view.BlockBitmap, 1, "block bitmap");
        CheckLocation(group, view.InodeBitmap, 1, "inode bitmap");
        CheckLocation(group, view.InodeTable, _geometry.InodeTableBlocks, "inode table");
    }

    /// <summary>The descriptor at its place in a block of descriptors.</summary>
    public GroupDescriptorView View(BlockLease lease, int offsetBytes) =>
        new(lease.Bytes.Slice(offsetBytes, _geometry.DescriptorSizeBytes));

    private ulong[] Chunk(GroupNumber group)
    {
        ref ulong[]? slot = ref _tables[group.Value >> ChunkShift];
        return Volatile.Read(ref slot)
            ?? Interlocked.CompareExchange(ref slot, new ulong[1 << ChunkShift], null)
            ?? slot!;
    }

    /// <summary>Without flex_bg a group's structures lie inside it. Kernel: ext4_check_descriptors.</summary>
    private void CheckLocation(GroupNumber group, FsBlock first, uint count, string what)
    {
        bool isInside = _geometry.IsDataRange(first, count);
        if (isInside && !_geometry.Has(IncompatFeatures.FlexibleGroups))
        {
            ulong start = _geometry.FirstBlock(group).Value;
            isInside = first.Value >= start && first.Value + count <= start + _geometry.BlocksIn(group);
        }
        if (!isInside)
        {
            Ext4CorruptException.Throw(Corruption.GroupDescriptorLocation,
                $"descriptor of group {group}: {what} at block {first}");
        }
    }
}
