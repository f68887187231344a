using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Changes the superblock in a handle, as everybody does while the volume is in use.</summary>
internal static class SuperblockChange
{
    /// <summary>Blocks that a change adds to the transaction.</summary>
    public const int Credits = 1;

    /// <summary>Edits the superblock and renews its checksum.</summary>
    public static void Apply(VolumeContext context, Handle handle, SuperblockEdit edit)
    {
        using BlockLease lease = handle.Update(context.Geometry.SuperblockBlock);
        Span<byte> bytes = lease.Bytes.Slice(context.Geometry.SuperblockOffsetInBlock, Superblock.SizeBytes);
        lock (context.SuperblockGate)
        {
            ref Superblock super = ref Disk.At<Superblock>(bytes, 0);
            edit(ref super);
            if (context.Checksums.IsEnabled)
            {
                super.Checksum = Checksums.OfSuperblock(bytes);
            }
        }
    }
}
