using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_in_header: 40 bytes before every request. Host byte order, as everything on this wire.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct InHeader
{
    /// <summary>len: bytes of the whole request, this header included.</summary>
    public uint Length;

    /// <summary>opcode.</summary>
    public Opcode Opcode;

    /// <summary>unique: names the request in its reply. The top bit marks one that is sent again.</summary>
    public ulong Unique;

    /// <summary>nodeid: what the request is about; 0 for INIT and DESTROY.</summary>
    public ulong NodeId;

    /// <summary>uid of the caller; 0 for write-back, 0xFFFFFFFF where an idmapped mount cannot tell.</summary>
    public uint Uid;

    /// <summary>gid of the caller; see <see cref="Uid"/>.</summary>
    public uint Gid;

    /// <summary>pid: thread of the caller as seen from the mount's pid namespace; 0 for the kernel itself.</summary>
    public uint Pid;

    /// <summary>total_extlen: length of the extensions at the end of the request, in units of 8 bytes.</summary>
    public ushort ExtensionLength8;

    /// <summary>padding.</summary>
    public ushort Padding;
}

/// <summary>struct fuse_out_header: 16 bytes before every reply and notification.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct OutHeader
{
    /// <summary>len: bytes of the whole message, this header included.</summary>
    public uint Length;

    /// <summary>error: 0 or a negative errno; in a notification the positive code.</summary>
    public int Error;

    /// <summary>unique of the request answered; 0 in a notification.</summary>
    public ulong Unique;
}

/// <summary>struct fuse_ext_header: before each extension of a request. Types up to 31 are security contexts.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ExtensionHeader
{
    /// <summary>FUSE_EXT_GROUPS: struct fuse_supp_groups follows.</summary>
    public const uint SupplementaryGroups = 32;

    /// <summary>size: bytes, this header included; the next extension starts at a multiple of 8.</summary>
    public uint Size;

    /// <summary>type.</summary>
    public uint Type;
}
