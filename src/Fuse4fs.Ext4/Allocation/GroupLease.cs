using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>A group's descriptor for as long as the lease is held.</summary>
internal readonly ref struct GroupLease(BlockLease block, GroupNumber group, GroupDescriptorView view)
{
    private readonly BlockLease _block = block;

    /// <summary>Whose descriptor it is.</summary>
    public GroupNumber Group { get; } = group;

    /// <summary>The descriptor. Counts are exact under the group's gate, hints without it.</summary>
    public GroupDescriptorView View { get; } = view;

    /// <summary>Gives the block back.</summary>
    public void Dispose() => _block.Dispose();
}
