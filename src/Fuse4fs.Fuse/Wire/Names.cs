using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_forget_in: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ForgetIn
{
    /// <summary>nlookup: references given back.</summary>
    public ulong Lookups;
}

/// <summary>struct fuse_batch_forget_in: 8 bytes, then <see cref="Count"/> times <see cref="ForgetOne"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BatchForgetIn
{
    /// <summary>count.</summary>
    public uint Count;

    /// <summary>dummy.</summary>
    public uint Padding;
}

/// <summary>struct fuse_forget_one: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ForgetOne
{
    /// <summary>nodeid.</summary>
    public ulong NodeId;

    /// <summary>nlookup.</summary>
    public ulong Lookups;
}

/// <summary>struct fuse_mknod_in: 16 bytes, then the name.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MakeNodeIn
{
    /// <summary>mode, umask not applied with <see cref="InitFlags.DontMask"/>.</summary>
    public uint Mode;

    /// <summary>rdev, see <see cref="NodeAttributes.DeviceNumber"/>.</summary>
    public uint DeviceNumber;

    /// <summary>umask.</summary>
    public uint Umask;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_mkdir_in: 8 bytes, then the name.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MakeDirectoryIn
{
    /// <summary>mode.</summary>
    public uint Mode;

    /// <summary>umask.</summary>
    public uint Umask;
}

/// <summary>struct fuse_rename_in: 8 bytes, then old and new name.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct RenameIn
{
    /// <summary>newdir: node id of the target directory.</summary>
    public ulong NewDirectory;
}

/// <summary>struct fuse_rename2_in: 16 bytes, then old and new name.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Rename2In
{
    /// <summary>newdir: node id of the target directory.</summary>
    public ulong NewDirectory;

    /// <summary>flags: RENAME_NOREPLACE 1, RENAME_EXCHANGE 2, RENAME_WHITEOUT 4.</summary>
    public uint Flags;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_link_in: 8 bytes, then the new name.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LinkIn
{
    /// <summary>oldnodeid.</summary>
    public ulong OldNodeId;
}
