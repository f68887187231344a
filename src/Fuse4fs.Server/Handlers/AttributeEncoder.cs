using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Handlers;

/// <summary>Attributes of the engine in the form of the wire.</summary>
internal static class AttributeEncoder
{
    /// <summary>STATX_BASIC_STATS and STATX_BTIME.</summary>
    private const uint StatxBasic = 0x7ff, StatxBirthTime = 0x800;

    private const uint StatxWriteAtomic = 0x10000;
    private const ulong StatxAttributeWriteAtomic = 0x400000;

    /// <summary>STATX_ATTR_*: compressed, immutable, append-only, no dump, encrypted, verity.</summary>
    private static readonly (InodeFlags Flag, ulong Bit)[] StatxBits =
    [
        (InodeFlags.Compress, 0x4), (InodeFlags.Immutable, 0x10), (InodeFlags.AppendOnly, 0x20),
        (InodeFlags.NoDump, 0x40), (InodeFlags.Encrypted, 0x800), (InodeFlags.Verity, 0x100000),
    ];

    public static void Fill(ServedVolume server, out NodeAttributes slot, in InodeAttributes attributes)
    {
        slot = new NodeAttributes
        {
            Inode = attributes.Number.Value,
            Size = (ulong)attributes.SizeBytes,
            Blocks512 = attributes.Sectors,
            AccessTime = (ulong)attributes.AccessTime.Seconds,
            ModifyTime = (ulong)attributes.ModificationTime.Seconds,
            ChangeTime = (ulong)attributes.ChangeTime.Seconds,
            AccessTimeNanoseconds = attributes.AccessTime.Nanoseconds,
            ModifyTimeNanoseconds = attributes.ModificationTime.Nanoseconds,
            ChangeTimeNanoseconds = attributes.ChangeTime.Nanoseconds,
            Mode = attributes.Mode,
            Links = attributes.LinkCount,
            Uid = server.Ids.User(attributes.UserId),
            Gid = server.Ids.Group(attributes.GroupId),
            DeviceNumber = Encode(attributes.Device),
            BlockSize = (uint)server.Volume.Context.Geometry.BlockSizeBytes,
            Flags = FlagsOf(server, in attributes),
        };
    }

    /// <summary>The reply to whatever names a node, cached for ever; the name itself as the directory allows.</summary>
    public static void Fill(ServedVolume server, ref EntryOut entry, in InodeAttributes attributes, bool mayCacheName)
    {
        entry.NodeId = NodeIds.OfInode(attributes.Number);
        entry.Generation = attributes.Generation;
        entry.EntryValid = mayCacheName ? ServedVolume.ForEver : 0;
        entry.AttributesValid = server.AttributesValid(attributes.Number);
        Fill(server, out entry.Attributes, in attributes);
    }

    public static void Fill(ServedVolume server, ref StatxOut reply, in InodeAttributes attributes)
    {
        uint blockSizeBytes = (uint)server.Volume.Context.Geometry.BlockSizeBytes;
        reply.Valid = server.AttributesValid(attributes.Number);
        reply.Flags = FlagsOf(server, in attributes);
        ref StatxAttributes slot = ref reply.Statx;
        slot.Mask = StatxBasic | (attributes.HasBirthTime ? StatxBirthTime : 0);
        slot.BlockSize = blockSizeBytes;
        foreach ((InodeFlags flag, ulong bit) in StatxBits)
        {
            slot.AttributesMask |= bit;
            slot.Attributes |= (attributes.Flags & flag) != 0 ? bit : 0;
        }
        slot.Links = attributes.LinkCount;
        slot.Uid = server.Ids.User(attributes.UserId);
        slot.Gid = server.Ids.Group(attributes.GroupId);
        slot.Mode = attributes.Mode;
        slot.Inode = attributes.Number.Value;
        slot.Size = (ulong)attributes.SizeBytes;
        slot.Blocks512 = attributes.Sectors;
        slot.AccessTime = Encode(attributes.AccessTime);
        slot.BirthTime = attributes.HasBirthTime ? Encode(attributes.BirthTime) : default;
        slot.ChangeTime = Encode(attributes.ChangeTime);
        slot.ModifyTime = Encode(attributes.ModificationTime);
        slot.DeviceNumberMajor = attributes.Device.Major;
        slot.DeviceNumberMinor = attributes.Device.Minor;
        if ((reply.Flags & NodeAttributes.AtomicFlag) != 0)
        {
            uint unit = (uint)server.Iomap!.AtomicWriteBytes;
            slot.Mask |= StatxWriteAtomic;
            slot.AttributesMask |= StatxAttributeWriteAtomic;
            slot.Attributes |= StatxAttributeWriteAtomic;
            (slot.AtomicWriteUnitMin, slot.AtomicWriteUnitMax, slot.AtomicWriteSegmentsMax) = (unit, unit, 1);
        }
    }

    /// <summary>Where the kernel moves the data, it alone changes attributes, too. The same for a node's whole life, but for
    /// what the kernel itself changes by FS_IOC_SETFLAGS.</summary>
    private static uint FlagsOf(ServedVolume server, in InodeAttributes attributes)
    {
        if (server.Iomap is not { } iomap)
        {
            return 0;
        }
        if (attributes.Kind != FileKind.Regular)
        {
            return NodeAttributes.ExclusiveFlag;
        }
        uint flags = NodeAttributes.IomapFlag;
        flags |= iomap.AtomicWriteBytes > 0 ? NodeAttributes.AtomicFlag : 0;
        flags |= (attributes.Flags & InodeFlags.Synchronous) != 0 ? NodeAttributes.SyncFlag : 0;
        flags |= (attributes.Flags & InodeFlags.Immutable) != 0 ? NodeAttributes.ImmutableFlag : 0;
        flags |= (attributes.Flags & InodeFlags.AppendOnly) != 0 ? NodeAttributes.AppendFlag : 0;
        return flags;
    }

    /// <summary>new_encode_dev: minor 0..7, major 8..19, minor 20..31.</summary>
    private static uint Encode(DeviceNumber device) =>
        (device.Minor & 0xff) | (device.Major << 8) | ((device.Minor & ~0xffu) << 12);

    private static StatxTime Encode(Timestamp time) => new() { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
}
