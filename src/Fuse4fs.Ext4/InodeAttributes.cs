using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4;

/// <summary>What stat(2) and statx(2) want to know of an inode, all of one moment.</summary>
public readonly record struct InodeAttributes
{
    public InodeNumber Number { get; init; }

    public uint Generation { get; init; }

    /// <summary>Type and permission bits as in st_mode.</summary>
    public ushort Mode { get; init; }

    /// <summary>As the kernel shows it: 1 for a directory with too many subdirectories to count.</summary>
    public uint LinkCount { get; init; }

    public uint UserId { get; init; }

    public uint GroupId { get; init; }

    /// <summary>st_rdev of device nodes.</summary>
    public DeviceNumber Device { get; init; }

    public long SizeBytes { get; init; }

    /// <summary>st_blocks: units of 512 bytes. At least 1 for a file whose data is in the inode, as the kernel.</summary>
    public ulong Sectors { get; init; }

    public Timestamp AccessTime { get; init; }

    public Timestamp ModificationTime { get; init; }

    public Timestamp ChangeTime { get; init; }

    /// <summary>Valid only with <see cref="HasBirthTime"/>.</summary>
    public Timestamp BirthTime { get; init; }

    public bool HasBirthTime { get; init; }

    public InodeFlags Flags { get; init; }

    public uint ProjectId { get; init; }

    public ulong Version { get; init; }

    /// <summary>False only when the inode certainly has no extended attributes, ACLs among them.</summary>
    public bool MayHaveXattrs { get; init; }

    public FileKind Kind => (FileKind)(Mode & (int)FileKind.Mask);
}
