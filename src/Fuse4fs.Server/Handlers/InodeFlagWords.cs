using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Handlers;

/// <summary>Inode flags as the ioctls show them. Kernel: ext4_fileattr_get, fileattr_fill_flags.</summary>
internal static class InodeFlagWords
{
    /// <summary>EXT4_FL_USER_MODIFIABLE; the bit 0x400000 belonged to a flag that no longer exists.</summary>
    private const InodeFlags Modifiable = InodeFlags.SecureRemoval | InodeFlags.Undelete | InodeFlags.Compress
        | InodeFlags.Synchronous | InodeFlags.Immutable | InodeFlags.AppendOnly | InodeFlags.NoDump
        | InodeFlags.NoAccessTime | InodeFlags.JournalData | InodeFlags.NoTail | InodeFlags.DirectorySync
        | InodeFlags.TopDirectory | InodeFlags.Extents | (InodeFlags)0x400000 | InodeFlags.DirectAccess
        | InodeFlags.ProjectInherit | InodeFlags.Casefold;

    /// <summary>EXT4_FL_USER_VISIBLE.</summary>
    private const InodeFlags VisibleMask = Modifiable | InodeFlags.Dirty | InodeFlags.CompressedBlocks
        | InodeFlags.NoCompress | InodeFlags.Encrypted | InodeFlags.HashIndexed | InodeFlags.Verity
        | InodeFlags.InlineData;

    /// <summary>FS_XFLAG_* for each flag that has one. Source: linux/fs.h.</summary>
    private static readonly (InodeFlags Flag, uint Word)[] Words =
    [
        (InodeFlags.Immutable, 0x8), (InodeFlags.AppendOnly, 0x10), (InodeFlags.Synchronous, 0x20),
        (InodeFlags.NoAccessTime, 0x40), (InodeFlags.NoDump, 0x80), (InodeFlags.ProjectInherit, 0x200),
        (InodeFlags.DirectAccess, 0x8000),
    ];

    /// <summary>For FS_IOC_GETFLAGS.</summary>
    public static uint Visible(in InodeAttributes attributes)
    {
        InodeFlags flags = attributes.Flags & VisibleMask;
        return (uint)(attributes.Kind == FileKind.Regular ? flags & ~InodeFlags.ProjectInherit : flags);
    }

    /// <summary>For FS_IOC_FSGETXATTR.</summary>
    public static uint Extended(in InodeAttributes attributes)
    {
        uint visible = Visible(in attributes);
        uint result = 0;
        foreach ((InodeFlags flag, uint word) in Words)
        {
            result |= (visible & (uint)flag) != 0 ? word : 0;
        }
        return result;
    }

    /// <summary>From FS_IOC_FSSETXATTR: the inode's flags with those replaced that have a word.</summary>
    public static InodeFlags FromExtended(InodeFlags flags, uint words)
    {
        foreach ((InodeFlags flag, uint word) in Words)
        {
            flags = (words & word) != 0 ? flags | flag : flags & ~flag;
        }
        return flags;
    }
}
