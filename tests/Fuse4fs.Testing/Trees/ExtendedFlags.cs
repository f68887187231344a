using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Trees;

/// <summary>struct fsxattr, 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 28)]
internal struct ExtendedFlags
{
    /// <summary>fsx_xflags.</summary>
    public uint Flags;

    /// <summary>fsx_extsize.</summary>
    public uint ExtentSizeBytes;

    /// <summary>fsx_nextents.</summary>
    public uint ExtentCount;

    /// <summary>fsx_projid.</summary>
    public uint Project;
}
