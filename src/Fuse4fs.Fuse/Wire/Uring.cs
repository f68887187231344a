using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_uring_req_header: 288 bytes shared with the kernel for each ring entry.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct UringHeaders
{
    /// <summary>in_out: the request's <see cref="InHeader"/>, then the reply's <see cref="OutHeader"/>.</summary>
    public UringArea InOut;

    /// <summary>op_in: the structure of the opcode, empty for those without one.</summary>
    public UringArea Operation;

    /// <summary>ring_ent_in_out.</summary>
    public UringEntryInOut Entry;
}

/// <summary>FUSE_URING_IN_OUT_HEADER_SZ and FUSE_URING_OP_IN_OUT_SZ: 128 bytes.</summary>
[InlineArray(128)]
public struct UringArea
{
    private byte _first;
}

/// <summary>struct fuse_uring_ent_in_out: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct UringEntryInOut
{
    /// <summary>flags.</summary>
    public ulong Flags;

    /// <summary>commit_id: names the request when it is answered.</summary>
    public ulong CommitId;

    /// <summary>payload_sz: bytes in the payload buffer, of the request or of the reply.</summary>
    public uint PayloadBytes;

    /// <summary>padding.</summary>
    public uint Padding;

    /// <summary>reserved.</summary>
    public ulong Reserved;
}

/// <summary>enum fuse_uring_cmd.</summary>
public enum UringCommand : uint
{
    Invalid = 0,
    Register = 1,
    CommitAndFetch = 2,
}

/// <summary>struct fuse_uring_cmd_req: 24 bytes, in the second half of a submission.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct UringCommandRequest
{
    /// <summary>flags.</summary>
    public ulong Flags;

    /// <summary>commit_id, for <see cref="UringCommand.CommitAndFetch"/>.</summary>
    public ulong CommitId;

    /// <summary>qid: the queue, one for each possible CPU.</summary>
    public ushort QueueId;

    /// <summary>padding.</summary>
    public ushort Padding0;

    /// <summary>padding.</summary>
    public uint Padding1;
}
