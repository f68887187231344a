using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>struct io_uring_params: 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoUringParameters
{
    /// <summary>IORING_SETUP_R_DISABLED: nothing is done until it is enabled.</summary>
    public const uint Disabled = 1 << 6;

    /// <summary>IORING_SETUP_SQE128: submissions of 128 bytes.</summary>
    public const uint WideSubmissions = 1 << 10;

    /// <summary>IORING_SETUP_SINGLE_ISSUER: one thread submits.</summary>
    public const uint SingleIssuer = 1 << 12;

    /// <summary>IORING_SETUP_DEFER_TASKRUN: completions are worked on only when that thread waits.</summary>
    public const uint DeferTaskRun = 1 << 13;

    /// <summary>IORING_FEAT_SINGLE_MMAP: both rings are one mapping.</summary>
    public const uint SingleMap = 1;

    public uint SubmissionEntries;
    public uint CompletionEntries;
    public uint Flags;
    public uint ThreadCpu;
    public uint ThreadIdle;
    public uint Features;
    public uint WorkDescriptor;
    private readonly uint _reserved0;
    private readonly ulong _reserved1;

    /// <summary>struct io_sqring_offsets.</summary>
    public IoUringOffsets Submission;

    /// <summary>struct io_cqring_offsets.</summary>
    public IoUringOffsets Completion;
}
