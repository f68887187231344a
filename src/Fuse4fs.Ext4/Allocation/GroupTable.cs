using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>The groups of a volume: their descriptors, changed in journal handles only, their gates, and what memory
/// keeps of them. Nothing is read or allocated for a group that nobody asks for.</summary>
internal sealed class GroupTable
{
    private const int GateCount = 1024;
    private const int ChunkShift = 10;

    private readonly BlockCache _cache;
    private readonly Checksums _checksums;
    private readonly GroupDescriptors _descriptors;
    private readonly Lock[] _gates = new Lock[GateCount];
    private readonly GroupState?[]?[] _states;

    /// <summary>Reads nothing yet.</summary>
    public GroupTable(VolumeContext context)
    {
        _cache = context.Cache;
        _checksums = context.Checksums;
        Geometry = context.Geometry;
        _descriptors = context.Descriptors;
        _states = new GroupState[((Geometry.GroupCount - 1) >> ChunkShift) + 1][];
        for (int i = 0; i < GateCount; i++)
        {
            _gates[i] = new Lock();
        }
    }

    /// <summary>Adds up the counts while it runs; null before. Set before the first change.</summary>
    public GroupSurvey? Survey { get; set; }

    /// <summary>The volume's facts.</summary>
    public Geometry Geometry { get; }

    /// <summary>Guards a group's bitmaps, descriptor and state. Several groups share a gate: never take two.</summary>
    public Lock Gate(GroupNumber group) => _gates[group.Value % GateCount];

    /// <summary>A group's state, made on first use.</summary>
    public GroupState State(GroupNumber group)
    {
        ref GroupState?[]? chunk = ref _states[group.Value >> ChunkShift];
        GroupState?[] states = Volatile.Read(ref chunk)
            ?? Interlocked.CompareExchange(ref chunk, new GroupState[1 << ChunkShift], null)
            ?? chunk!;
        ref GroupState? slot = ref states[group.Value & ((1 << ChunkShift) - 1)];
        return Volatile.Read(ref slot)
            ?? Interlocked.CompareExchange(ref slot, new GroupState(), null)
            ?? slot!;
    }

    /// <summary>Holds a group's descriptor after checking it. May read from the device: not under a gate.</summary>
    /// <exception cref="Ext4CorruptException">The descriptor is damaged.</exception>
    /// <exception cref="DeviceException">It cannot be read.</exception>
    public GroupLease Open(GroupNumber group)
    {
        (FsBlock block, int offset) = Geometry.DescriptorOf(group);
        BlockLease lease = _cache.Read(block);
        try
        {
            GroupDescriptorView view = _descriptors.View(lease, offset);
            lock (Gate(group))
            {
                _descriptors.Verify(group, view);
            }
            return new GroupLease(lease, group, view);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Adds up what groups have, from <paramref name="first"/> up to <paramref name="end"/>: hints, unchecked.
    /// At most the groups of one block of descriptors are read.</summary>
    public GroupSums Sum(uint first, uint end)
    {
        uint perBlock = Geometry.DescriptorsPerBlock;
        using BlockLease lease = _cache.Read(Geometry.DescriptorBlock(first / perBlock));
        end = Math.Min(end, ((first / perBlock) + 1) * perBlock);
        long inodes = 0;
        long clusters = 0;
        long directories = 0;
        for (uint number = first; number < end; number++)
        {
            int offset = (int)(number % perBlock) * Geometry.DescriptorSizeBytes;
            GroupDescriptorView view = _descriptors.View(lease, offset);
            inodes += view.FreeInodes;
            clusters += view.FreeClusters;
            directories += view.Directories;
        }
        return new GroupSums(inodes, clusters, directories);
    }

    /// <summary>Holds a descriptor for changing. The caller holds the group's gate, has opened the descriptor before
    /// the handle started, and seals what it changed.</summary>
    public GroupLease Change(Handle handle, GroupNumber group)
    {
        (FsBlock block, int offset) = Geometry.DescriptorOf(group);
        BlockLease lease = handle.Update(block);
        return new GroupLease(lease, group, _descriptors.View(lease, offset));
    }

    /// <summary>Stores the checksum of a descriptor that was changed.</summary>
    public void Seal(in GroupLease lease)
    {
        GroupDescriptorView view = lease.View;
        view.Checksum = _checksums.OfGroupDescriptor(lease.Group, view.Bytes);
    }

    /// <summary>The flags that count: without descriptor checksums they mean nothing. Docs: ext4/group_descr.</summary>
    public GroupFlags FlagsOf(in GroupLease lease) =>
        Geometry.HasGroupChecksums ? lease.View.Flags : GroupFlags.None;
}
