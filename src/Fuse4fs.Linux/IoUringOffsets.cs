using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>struct io_sqring_offsets and struct io_cqring_offsets, 40 bytes each: byte offsets into the
/// mapping.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoUringOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;

    /// <summary>sq: flags; cq: overflow.</summary>
    public uint Fifth;

    /// <summary>sq: dropped; cq: cqes.</summary>
    public uint Sixth;

    /// <summary>sq: array; cq: flags.</summary>
    public uint Seventh;
    private readonly uint _reserved;
    private readonly ulong _userAddress;
}
