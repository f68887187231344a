using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>struct statfs of 64-bit Linux, 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 120)]
public struct StatFileSystemRecord
{
    /// <summary>Magic number of the file system type.</summary>
    public long Type;

    /// <summary>Unit of the block counts unless FragmentSizeBytes says otherwise.</summary>
    public long BlockSizeBytes;

    /// <summary>All blocks.</summary>
    public ulong Blocks;

    /// <summary>Free blocks.</summary>
    public ulong FreeBlocks;

    /// <summary>Free blocks for those who are not root.</summary>
    public ulong AvailableBlocks;

    /// <summary>All inodes.</summary>
    public ulong Inodes;

    /// <summary>Free inodes.</summary>
    public ulong FreeInodes;

    /// <summary>Identity of the file system.</summary>
    public ulong Identity;

    /// <summary>Longest name, bytes.</summary>
    public long NameLengthBytes;

    /// <summary>Unit of the block counts.</summary>
    public long FragmentSizeBytes;

    /// <summary>ST_* mount flags.</summary>
    public long Flags;
}
