using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Transport;

/// <summary>A request from the moment it is queued.</summary>
internal sealed class Request(
    ulong unique, Opcode opcode, ulong nodeId, byte[] bytes, ReplyForm form, Caller caller, TraceEntry entry, long number)
{
    public ulong Unique { get; } = unique;

    public Opcode Opcode { get; } = opcode;

    public ulong NodeId { get; } = nodeId;

    /// <summary>Header and body.</summary>
    public byte[] Bytes { get; } = bytes;

    public ReplyForm Form { get; } = form;

    public Caller Caller { get; } = caller;

    public TraceEntry Entry { get; } = entry;

    /// <summary>Which message of the mount it is, from 1.</summary>
    public long Number { get; } = number;

    /// <summary>FORGET, BATCH_FORGET, INTERRUPT.</summary>
    public bool HasNoReply { get; init; }

    /// <summary>The descriptor it was read from.</summary>
    public FuseDevice? ReadFrom { get; set; }

    public TaskCompletionSource<Reply> Completion { get; } =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Complete(Errno error, byte[] body)
    {
        if (Entry.Answer.Length == 0)
        {
            Entry.Answer = Notation.Error(error);
        }
        Completion.TrySetResult(new Reply(error, body, Entry));
    }
}
