using System.Runtime.InteropServices;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Uring;

/// <summary>An io_uring with wide submissions, used by one thread at a time.</summary>
internal sealed unsafe class IoRing : IDisposable
{
    private const int SubmissionBytes = 128;
    private const long SubmissionsOffset = 0x10000000;

    private readonly FileDescriptor _ring;
    private readonly byte* _map;
    private readonly long _mapBytes;
    private readonly byte* _submissions;
    private readonly long _submissionsBytes;
    private readonly IoUringParameters _parameters;
    private uint _tail;

    private IoRing(FileDescriptor ring, in IoUringParameters parameters, byte* map, long mapBytes, byte* submissions)
    {
        _ring = ring;
        _parameters = parameters;
        _map = map;
        _mapBytes = mapBytes;
        _submissions = submissions;
        _submissionsBytes = (long)parameters.SubmissionEntries * SubmissionBytes;
        uint* array = (uint*)(map + parameters.Submission.Seventh);
        for (uint i = 0; i < parameters.SubmissionEntries; i++)
        {
            array[i] = i;
        }
    }

    private ref uint SubmissionHead => ref *(uint*)(_map + _parameters.Submission.Head);

    private ref uint SubmissionTail => ref *(uint*)(_map + _parameters.Submission.Tail);

    private ref uint CompletionHead => ref *(uint*)(_map + _parameters.Completion.Head);

    private ref uint CompletionTail => ref *(uint*)(_map + _parameters.Completion.Tail);

    /// <summary>Makes one. It does nothing but what <see cref="Submission"/> names: an intruder cannot open files by it.
    /// </summary>
    /// <param name="entries">Most submissions, and half the completions, at a time.</param>
    /// <param name="ring">The ring.</param>
    /// <param name="isOneThreads">For the calling thread alone, which makes it cheaper.</param>
    public static Errno TryCreate(uint entries, out IoRing? ring, bool isOneThreads = true)
    {
        ring = null;
        var parameters = new IoUringParameters
        {
            Flags = IoUringParameters.WideSubmissions | IoUringParameters.Disabled
                | (isOneThreads ? IoUringParameters.SingleIssuer | IoUringParameters.DeferTaskRun : 0),
        };
        Errno error = LibC.TryCreateRing(entries, ref parameters, out FileDescriptor? descriptor);
        if (error != Errno.Ok)
        {
            return error;
        }
        if ((parameters.Features & IoUringParameters.SingleMap) == 0)
        {
            descriptor!.Dispose();
            return Errno.NotSupported;
        }
        long mapBytes = Math.Max(
            parameters.Submission.Seventh + ((long)parameters.SubmissionEntries * sizeof(uint)),
            parameters.Completion.Sixth + ((long)parameters.CompletionEntries * sizeof(Completion)));
        error = LibC.TryMapShared(descriptor!, mapBytes, 0, out byte* map);
        byte* submissions = null;
        if (error == Errno.Ok)
        {
            error = LibC.TryMapShared(
                descriptor!, (long)parameters.SubmissionEntries * SubmissionBytes, SubmissionsOffset, out submissions);
        }
        if (error != Errno.Ok)
        {
            if (map is not null)
            {
                LibC.UnmapMemory(map, mapBytes);
            }
            descriptor!.Dispose();
            return error;
        }
        ring = new IoRing(descriptor!, in parameters, map, mapBytes, submissions);
        error = LibC.EnableRing(descriptor!, [Submission.Read, Submission.Write, Submission.Command]);
        if (error != Errno.Ok)
        {
            ring.Dispose();
            ring = null;
        }
        return error;
    }

    /// <summary>The next free submission, zeroed. It goes out with the next Enter.</summary>
    /// <remarks>There is always one: no more entries exist than the ring has places.</remarks>
    public ref Submission Next()
    {
        uint index = _tail & (_parameters.SubmissionEntries - 1);
        ref Submission submission = ref *(Submission*)(_submissions + (index * SubmissionBytes));
        submission = default;
        _tail++;
        Volatile.Write(ref SubmissionTail, _tail);
        return ref submission;
    }

    /// <summary>Submits what there is and waits for a completion unless one is there.</summary>
    /// <returns>Interrupted is possible; nothing is lost then.</returns>
    public Errno Enter() => Enter(Volatile.Read(ref CompletionTail) == CompletionHead ? 1u : 0u);

    /// <summary>Submits what there is and waits for so many completions.</summary>
    /// <returns>As without a number.</returns>
    public Errno Enter(uint wanted)
    {
        uint waiting = _tail - Volatile.Read(ref SubmissionHead);
        return LibC.EnterRing(_ring, waiting, wanted);
    }

    /// <summary>Takes one completion.</summary>
    public bool TryTake(out Completion completion)
    {
        uint head = CompletionHead;
        if (Volatile.Read(ref CompletionTail) == head)
        {
            completion = default;
            return false;
        }
        byte* all = _map + _parameters.Completion.Sixth;
        completion = ((Completion*)all)[head & (_parameters.CompletionEntries - 1)];
        Volatile.Write(ref CompletionHead, head + 1);
        return true;
    }

    public void Dispose()
    {
        _ring.Dispose();
        LibC.UnmapMemory(_submissions, _submissionsBytes);
        LibC.UnmapMemory(_map, _mapBytes);
    }

    /// <summary>struct io_uring_cqe.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Completion
    {
        public ulong UserData;
        public int Result;
        public uint Flags;
    }

    /// <summary>struct io_uring_sqe of 128 bytes, as IORING_OP_URING_CMD and IORING_OP_READ use it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = SubmissionBytes)]
    public struct Submission
    {
        /// <summary>IORING_OP_READ.</summary>
        public const byte Read = 22;

        /// <summary>IORING_OP_WRITE.</summary>
        public const byte Write = 23;

        /// <summary>IORING_OP_URING_CMD.</summary>
        public const byte Command = 46;

        [FieldOffset(0)]
        public byte Opcode;

        [FieldOffset(4)]
        public int Descriptor;

        /// <summary>cmd_op.</summary>
        [FieldOffset(8)]
        public Wire.UringCommand CommandCode;

        /// <summary>off; all bits set: where the file stands.</summary>
        [FieldOffset(8)]
        public ulong FileOffset;

        [FieldOffset(16)]
        public ulong Address;

        [FieldOffset(24)]
        public uint Length;

        [FieldOffset(32)]
        public ulong UserData;

        /// <summary>cmd.</summary>
        [FieldOffset(48)]
        public Wire.UringCommandRequest CommandRequest;
    }
}
