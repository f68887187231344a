using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>enum fuse_notify_code: messages the server starts.</summary>
public enum NotifyCode
{
    None = 0,
    Poll = 1,
    InvalidateInode = 2,
    InvalidateEntry = 3,
    Store = 4,
    Retrieve = 5,
    Delete = 6,
    Resend = 7,
    IncrementEpoch = 8,
    Prune = 9,
    InvalidateBacking = 99,
    UpsertMappings = 100,
    InvalidateMappings = 101,
}

/// <summary>struct fuse_notify_inval_inode_out: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NotifyInvalidateInode
{
    /// <summary>ino: the node id.</summary>
    public ulong NodeId;

    /// <summary>off, bytes; negative: attributes only.</summary>
    public long Offset;

    /// <summary>len, bytes; 0 or less: to the end.</summary>
    public long Length;
}

/// <summary>struct fuse_notify_inval_entry_out: 16 bytes, then the name and a NUL.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NotifyInvalidateEntry
{
    /// <summary>FUSE_EXPIRE_ONLY in <see cref="Flags"/>: look it up again, do not drop it.</summary>
    public const uint ExpireOnly = 1;

    /// <summary>parent: node id of the directory.</summary>
    public ulong Parent;

    /// <summary>namelen, bytes without the NUL.</summary>
    public uint NameLength;

    /// <summary>flags.</summary>
    public uint Flags;
}

/// <summary>struct fuse_notify_delete_out: 24 bytes, then the name and a NUL.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NotifyDelete
{
    /// <summary>parent: node id of the directory.</summary>
    public ulong Parent;

    /// <summary>child: node id that is gone.</summary>
    public ulong Child;

    /// <summary>namelen, bytes without the NUL.</summary>
    public uint NameLength;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_notify_store_out: 24 bytes, then the data.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NotifyStore
{
    /// <summary>nodeid.</summary>
    public ulong NodeId;

    /// <summary>offset, bytes.</summary>
    public ulong Offset;

    /// <summary>size, bytes of data.</summary>
    public uint Size;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_notify_prune_out: 16 bytes, then <see cref="Count"/> node ids.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NotifyPrune
{
    /// <summary>count.</summary>
    public uint Count;

    /// <summary>padding.</summary>
    public uint Padding;

    /// <summary>spare.</summary>
    public ulong Spare;
}
