using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>What the superblock remembers of failures. It is written past the journal when the journal was aborted, so
/// an older copy of the superblock in the log must not wipe it out. Kernel: ext4_load_journal, EXT4_S_ERR_START.
/// </summary>
internal static class ErrorRecord
{
    private const int Start = 0x194;
    private const int End = 0x200;

    /// <summary>The superblock before a replay.</summary>
    public static byte[] Read(IBlockDevice device)
    {
        byte[] super = new byte[Superblock.SizeBytes];
        device.Read(Superblock.PrimaryOffsetBytes, super);
        return super;
    }

    /// <summary>Puts the record back, if there was one and the replay lost it, and the mark of a volume with errors, which
    /// it may have without a record. Flushed.</summary>
    /// <param name="device">Where the log was replayed into.</param>
    /// <param name="before">From <see cref="Read"/>.</param>
    public static void Restore(IBlockDevice device, byte[] before)
    {
        byte[] after = Read(device);
        ref readonly Superblock old = ref MemoryMarshal.AsRef<Superblock>(before);
        ref Superblock super = ref MemoryMarshal.AsRef<Superblock>(after.AsSpan());
        uint errors = old.State & (uint)VolumeStates.Errors;
        bool isRecordSame = old.ErrorCount == 0 || after.AsSpan(Start..End).SequenceEqual(before.AsSpan(Start..End));
        if (isRecordSame && (super.State & errors) == errors)
        {
            return;
        }
        if (!isRecordSame)
        {
            before.AsSpan(Start..End).CopyTo(after.AsSpan(Start));
        }
        super.State = (ushort)(super.State | errors);
        if (((RoCompatFeatures)(uint)super.RoCompat).HasFlag(RoCompatFeatures.MetadataChecksums))
        {
            super.Checksum = Checksums.OfSuperblock(after);
        }
        device.Write(Superblock.PrimaryOffsetBytes, after);
        device.Flush();
    }
}
