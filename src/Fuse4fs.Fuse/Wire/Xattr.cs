using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_setxattr_in: 16 bytes with <see cref="InitFlags.SetXattrExtended"/>, else the first 8;
/// then name and value.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SetXattrIn
{
    /// <summary>FUSE_COMPAT_SETXATTR_IN_SIZE.</summary>
    public const int ShortBytes = 8;

    /// <summary>FUSE_SETXATTR_ACL_KILL_SGID in <see cref="ExtendedFlags"/>.</summary>
    public const uint AclKillsSetGid = 1;

    /// <summary>size, bytes of the value.</summary>
    public uint Size;

    /// <summary>flags: XATTR_CREATE 1, XATTR_REPLACE 2.</summary>
    public uint Flags;

    /// <summary>setxattr_flags.</summary>
    public uint ExtendedFlags;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_getxattr_in: 8 bytes, for GETXATTR then the name. LISTXATTR has no name.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GetXattrIn
{
    /// <summary>size: room for the answer, bytes; 0 asks for the length by <see cref="GetXattrOut"/>.</summary>
    public uint Size;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_getxattr_out: 8 bytes; only when the length was asked for.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GetXattrOut
{
    /// <summary>size, bytes.</summary>
    public uint Size;

    /// <summary>padding.</summary>
    public uint Padding;
}
