using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>A change of the superblock.</summary>
internal delegate void SuperblockEdit(ref Superblock superblock);

/// <summary>Writes the file system's superblock past the journal: only while the log holds no copy of its block that
/// replay could put over it, so at mount, at unmount and after an abort.</summary>
internal sealed class SuperblockHome(VolumeContext context)
{
    private readonly ulong _kibibytesBefore = context.CopySuperblock().KilobytesWritten;

    /// <summary>Changes the superblock in the cache and on disk. Not flushed.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void Change(SuperblockEdit edit)
    {
        using BlockLease lease = context.Cache.Read(context.Geometry.SuperblockBlock);
        Span<byte> bytes = lease.Bytes.Slice(context.Geometry.SuperblockOffsetInBlock, Superblock.SizeBytes);
        Apply(bytes, edit);
        context.Device.Write((long)context.Geometry.SuperblockOffsetBytes, bytes);
    }

    /// <summary>Changes the superblock on disk alone: what the cache holds was never committed.</summary>
    /// <exception cref="DeviceException">The device failed.</exception>
    public void ChangeOnDisk(SuperblockEdit edit)
    {
        Span<byte> bytes = stackalloc byte[Superblock.SizeBytes];
        context.Device.Read((long)context.Geometry.SuperblockOffsetBytes, bytes);
        Apply(bytes, edit);
        context.Device.Write((long)context.Geometry.SuperblockOffsetBytes, bytes);
    }

    /// <summary>Edits a superblock in memory and renews its write time, the count of what was ever written to the device,
    /// and its checksum. Kernel: ext4_update_super.</summary>
    /// <param name="bytes">1024 bytes.</param>
    /// <param name="edit">The change.</param>
    public void Apply(Span<byte> bytes, SuperblockEdit edit)
    {
        ref Superblock super = ref MemoryMarshal.AsRef<Superblock>(bytes);
        edit(ref super);
        long now = context.Clock.GetUtcNow().ToUnixTimeSeconds();
        super.WriteTimeLow = (uint)(now & uint.MaxValue);
        super.WriteTimeHigh = (byte)((now >> 32) & 0xFF);
        super.KilobytesWritten = _kibibytesBefore + ((ulong)context.Device.WrittenBytes >> 10);
        if (context.Geometry.HasMetadataChecksums)
        {
            super.Checksum = Checksums.OfSuperblock(bytes);
        }
    }
}
