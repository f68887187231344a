using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>struct statx, 256 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
public struct StatxRecord
{
    /// <summary>Which fields are valid: STATX_*.</summary>
    public uint Mask;

    /// <summary>Preferred size of transfers, bytes.</summary>
    public uint BlockSizeBytes;

    /// <summary>STATX_ATTR_*.</summary>
    public ulong Attributes;

    /// <summary>Number of links.</summary>
    public uint LinkCount;

    /// <summary>Owner.</summary>
    public uint User;

    /// <summary>Group.</summary>
    public uint Group;

    /// <summary>Type and permissions.</summary>
    public ushort Mode;

    private readonly ushort _spare;

    /// <summary>Inode number.</summary>
    public ulong Inode;

    /// <summary>Size, bytes.</summary>
    public ulong SizeBytes;

    /// <summary>Space used, units of 512 bytes.</summary>
    public ulong Blocks512;

    /// <summary>Which attributes the file system knows.</summary>
    public ulong AttributesMask;

    /// <summary>Last access.</summary>
    public StatxTime AccessTime;

    /// <summary>Birth.</summary>
    public StatxTime BirthTime;

    /// <summary>Last change of the inode.</summary>
    public StatxTime ChangeTime;

    /// <summary>Last change of the contents.</summary>
    public StatxTime ModificationTime;

    /// <summary>Device nodes: major number.</summary>
    public uint DeviceMajor;

    /// <summary>Device nodes: minor number.</summary>
    public uint DeviceMinor;
}
