using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Handlers;

/// <summary>struct fsxattr: 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 28)]
internal struct ExtendedAttributes
{
    /// <summary>fsx_xflags: FS_XFLAG_*.</summary>
    public uint Flags;

    /// <summary>fsx_extsize: not a thing of ext4.</summary>
    public uint ExtentSizeBytes;

    /// <summary>fsx_nextents.</summary>
    public uint ExtentCount;

    /// <summary>fsx_projid.</summary>
    public uint ProjectId;

    /// <summary>fsx_cowextsize: not a thing of ext4.</summary>
    public uint CopyOnWriteExtentSizeBytes;
}
