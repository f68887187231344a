using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Sources;

namespace Fuse4fs.Server.Mounting;

/// <summary>What is asked of the kernel for a volume: the mount's type, flags and names, and the capabilities of the
/// connection.</summary>
internal static class MountPlan
{
    /// <summary>Read-ahead of the mount, KiB. FUSE starts with 128; a READ of ours carries up to 1 MiB.</summary>
    private const int ReadAheadKibibytes = 1024;

    private const int PageBytes = 4096;
    private const uint NanosecondsPerSecond = 1_000_000_000;

    public static MountOptions Create(
        ServeOptions options, ImageSource source, Volume volume, bool isReadOnly, bool isPrivate, bool isIomap)
    {
        // With iomap the device is ours, not the mount's.
        bool isBlockType = !isIomap && options.FuseBlock switch
        {
            FuseBlockChoice.On => true,
            FuseBlockChoice.Off => false,
            _ when options.StripeMembers.Count > 0 => false,     // the kernel would claim one of them
            _ => options.Given is null && source.IsBlockDevice && options.OffsetBytes == 0 && LibC.GetEffectiveUid() == 0,
        };
        if (isBlockType && options.Given is not null)
        {
            throw new MountRefusedException($"{options.Source}: a mount service does not mount as fuseblk");
        }
        if (isBlockType && !source.IsBlockDevice)
        {
            throw new MountRefusedException($"{options.Source}: only a block device can be mounted as fuseblk");
        }
        if (isBlockType)
        {
            source.YieldClaim();
        }
        MountOptions mount = options.Mount;
        return mount with
        {
            // mount(2) with the type fuseblk opens the source: no other name will do.
            Source = isBlockType ? source.Path : options.ShownName ?? options.Source,
            Subtype = options.PlainType && mount.Subtype == "ext4" ? null : mount.Subtype,
            Flags = mount.Flags | (isReadOnly ? MountFlags.ReadOnly : MountFlags.None),
            FuseBlock = isBlockType,
            DefaultPermissions = mount.DefaultPermissions || !(options.FakeRoot || isPrivate),
            BlockSizeBytes = (uint)Math.Min(volume.Context.Geometry.BlockSizeBytes, PageBytes),
        };
    }

    public static CapabilityRequest Capabilities(ServeOptions options, bool isReadOnly, bool isPrivate)
    {
        InitFlags flags = CapabilityRequest.OwnedData;
        if (!options.AccessControlLists || isPrivate)
        {
            // With it the kernel checks permissions, by bits and lists. Without it lists are still read and written.
            flags &= ~InitFlags.PosixAcl;
        }
        if (isReadOnly)
        {
            flags &= ~InitFlags.WriteBackCache;
        }
        else
        {
            // OPEN is where writers become known and immutable files are refused.
            flags &= ~InitFlags.NoOpenSupport;
        }
        if (options.OverIoUring)
        {
            flags |= InitFlags.OverIoUring;
        }
        if (options.AllowIdMapping)
        {
            flags |= InitFlags.AllowIdmap;
        }
        return new CapabilityRequest { Flags = flags };
    }

    /// <summary>The steps in which the kernel gives times to files, nanoseconds: inodes without the extra fields hold whole
    /// seconds. Kernel: ext4_inode_info_init.</summary>
    public static uint TimeGranularityOf(Geometry geometry) =>
        geometry.InodeSizeBytes > InodeRecord.SizeBytes ? 1 : NanosecondsPerSecond;

    /// <summary>More read-ahead where we may set it: root of the machine.</summary>
    public static void RaiseReadAhead(FuseMount mount)
    {
        if (!mount.IsAdopted)
        {
            _ = BackingDevice.Find(mount.MountPoint)?.SetReadAhead(ReadAheadKibibytes);
        }
    }
}
