using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse;

/// <summary>The protocol without threads: takes the bytes of one request to the handler and its answer back.</summary>
/// <remarks>A malformed request is answered with EIO, or dropped when it does not even have a header. Nothing that
/// comes in and nothing the handler throws gets out of here.</remarks>
internal sealed class RequestDispatcher(IRequestHandler handler, ILogger log, IomapDispatcher? iomap = null)
{
    private static readonly int _headerBytes = Unsafe.SizeOf<InHeader>();

    /// <summary>Handles one request and writes its reply.</summary>
    /// <param name="request">Header and body.</param>
    /// <param name="buffer">For the reply.</param>
    /// <param name="transport">Where the request came from.</param>
    /// <param name="worker">Index of the worker.</param>
    /// <param name="counters">Of the worker.</param>
    /// <param name="wasHeld">It was taken up before, and counted.</param>
    public void Dispatch(ReadOnlySpan<byte> request, ReplyBuffer buffer, IFuseTransport transport, int worker,
        OperationCounters counters, bool wasHeld = false)
    {
        if (request.Length < _headerBytes)
        {
            FuseLog.Malformed(log, 0, request.Length);
            return;
        }
        InHeader header = MemoryMarshal.Read<InHeader>(request);
        Operation? operation = OperationTable.Find(header.Opcode);
        int slot = OperationTable.SlotOf(header.Opcode);
        if (!wasHeld)
        {
            counters.Begin(slot);
        }
        long start = Stopwatch.GetTimestamp();
        var reply = new ReplyWriter(buffer, transport);
        Errno error = Guarded(in header, operation, request, ref reply, worker);
        if (operation is not { HasReply: false } && !reply.IsDeferred)
        {
            Send(in header, ref reply, error);
        }
        LeaveGuarded(in header, worker);
        if (reply.IsHeld)
        {
            return; // Its end is yet to come.
        }
        counters.End(slot, Stopwatch.GetTimestamp() - start, error != Errno.Ok);
        FuseLog.Answered(log, header.Opcode, header.NodeId, error);
    }

    private Errno Guarded(
        in InHeader header, Operation? operation, ReadOnlySpan<byte> request, ref ReplyWriter reply, int worker)
    {
        try
        {
            handler.Enter(worker);
            return Route(in header, operation, request, ref reply);
        }
        catch (Exception exception)
        {
            reply.Undefer();
            return FailedGuarded(in header, exception);
        }
    }

    private Errno Route(
        in InHeader header, Operation? operation, ReadOnlySpan<byte> request, ref ReplyWriter reply)
    {
        int extensionBytes = header.ExtensionLength8 * 8;
        int bodyBytes = request.Length - _headerBytes - extensionBytes;
        if (header.Length != (uint)request.Length || bodyBytes < (operation?.MinimumBytes ?? 0))
        {
            FuseLog.Malformed(log, (uint)header.Opcode, request.Length);
            return Errno.InputOutput;
        }
        ReadOnlySpan<byte> body = request.Slice(_headerBytes, bodyBytes);
        switch (header.Opcode)
        {
            case Opcode.Forget:
                handler.Forget(header.NodeId, MemoryMarshal.Read<ForgetIn>(body).Lookups);
                return Errno.Ok;
            case Opcode.BatchForget:
                return ForgetAll(body);
            case Opcode.Interrupt:
                handler.Interrupted(MemoryMarshal.Read<InterruptIn>(body).Unique);
                return Errno.Ok;
            case Opcode.NotifyReply:
                return Errno.Ok;
            case Opcode.Init:
                return Errno.InputOutput; // A second one: the session has answered the first.
        }
        if (OperationTable.IsExtension(header.Opcode))
        {
            return iomap is null ? Errno.NotImplemented : iomap.Handle(in header, body, ref reply);
        }
        if (operation is null)
        {
            return Errno.NotImplemented;
        }
        var reader = new RequestReader(body, request[(_headerBytes + bodyBytes)..]);
        return handler.Handle(in header, ref reader, ref reply);
    }

    private Errno ForgetAll(ReadOnlySpan<byte> body)
    {
        BatchForgetIn batch = MemoryMarshal.Read<BatchForgetIn>(body);
        ReadOnlySpan<ForgetOne> all = MemoryMarshal.Cast<byte, ForgetOne>(body[Unsafe.SizeOf<BatchForgetIn>()..]);
        if (batch.Count > (uint)all.Length)
        {
            FuseLog.Malformed(log, (uint)Opcode.BatchForget, body.Length);
            return Errno.InputOutput;
        }
        foreach (ref readonly ForgetOne one in all[..(int)batch.Count])
        {
            handler.Forget(one.NodeId, one.Lookups);
        }
        return Errno.Ok;
    }

    private void Send(in InHeader header, ref ReplyWriter reply, Errno error)
    {
        Errno outcome = reply.Send(header.Unique, error);
        switch (outcome)
        {
            case Errno.Ok or Errno.NoEntry or Errno.NoDevice or Errno.ConnectionAborted or Errno.NotConnected:
                return; // Done, or nobody waits any more.
            case Errno.BadAddress:
                // A mapped piece was not there: the image was cut short. Newer kernels have told the caller already.
                outcome = reply.Send(header.Unique, Errno.InputOutput);
                if (outcome is Errno.Ok or Errno.NoEntry)
                {
                    return;
                }
                break;
        }
        FuseLog.ReplyRefused(log, header.Opcode, header.Unique, outcome);
    }

    private void LeaveGuarded(in InHeader header, int worker)
    {
        try
        {
            handler.Leave(worker);
        }
        catch (Exception exception)
        {
            _ = FailedGuarded(in header, exception);
        }
    }

    private Errno FailedGuarded(in InHeader header, Exception exception)
    {
        try
        {
            Errno error = handler.Failed(in header, exception);
            return error == Errno.Ok ? Errno.InputOutput : error;
        }
        catch (Exception second)
        {
            FuseLog.HandlerFailedTwice(log, second, header.Opcode);
            return Errno.InputOutput;
        }
    }
}
