using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>Takes requests about mappings from their bytes to the handler, and its answers back. Nothing that breaks a
/// rule passes, in either direction.</summary>
/// <remarks>A request has exactly the length of its structure: another one would be of a revision we do not know.</remarks>
internal sealed class IomapDispatcher(IomapHandler handler, IomapConnection connection, ILogger log)
{
    /// <summary>ENOTBLK, which the kernel takes for a signal of its own.</summary>
    private const Errno NotBlockDevice = (Errno)15;

    private const int MaxErrno = 4095;

    /// <summary>Whether a request may be what frees memory, so that a thread must always be there for it.</summary>
    public bool IsReserved(in InHeader header, ReadOnlySpan<byte> body) => header.Opcode switch
    {
        Opcode.IomapIoEnd or Opcode.IomapEnd => true,
        Opcode.IomapBegin => MemoryMarshal.TryRead(body, out uint flags)
            && connection.Revision.TryDecode(flags, out IomapOperation operation)
            && (operation & IomapOperation.WriteBack) != 0,
        _ => false,
    };

    /// <summary>Handles a request of one of the extension's opcodes.</summary>
    public Errno Handle(in InHeader header, ReadOnlySpan<byte> body, ref ReplyWriter reply)
        => header.Opcode == Opcode.IomapBegin ? Begin(in header, body, ref reply) : HandleOther(in header, body, ref reply);

    private Errno HandleOther(in InHeader header, ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        switch (header.Opcode)
        {
            case Opcode.IomapEnd:
                return End(in header, body);
            case Opcode.IomapIoEnd:
                return IoEnd(in header, body, ref reply);
            case Opcode.FreezeFs:
                return TryRead(body, out FreezeIn freeze)
                    ? handler.Freeze(freeze.UnlinkedInodes)
                    : Errno.InputOutput;
            case Opcode.UnfreezeFs:
                return handler.Thaw();
            case Opcode.ShutdownFs:
                return TryRead(body, out ShutdownIn shutdown)
                    ? handler.Shutdown(shutdown.Flags)
                    : Errno.InputOutput;
            default:
                return Malformed(in header, body);      // CONFIG comes once, before all others.
        }
    }

    [SkipLocalsInit]     // everything is set before it is used
    private Errno Begin(in InHeader header, ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (body.Length != Unsafe.SizeOf<IomapBeginIn>())
        {
            return Malformed(in header, body);
        }
        ref readonly IomapBeginIn begin = ref MemoryMarshal.AsRef<IomapBeginIn>(body);
        if (!IsRange(begin.Position, begin.Count))
        {
            return Malformed(in header, body);
        }
        if (!connection.Revision.TryDecode(begin.Operation, out IomapOperation operation))
        {
            FuseLog.UnknownOperation(log, begin.Operation);
            return Errno.NotSupported;
        }
        var request = new BeginRequest(
            new FileIdentity(header.NodeId, begin.Inode), operation, (long)begin.Position, (long)begin.Count,
            header.Uid, header.Gid, header.Pid);
        var answer = new BeginReply();
        Errno error = handler.BeginMapping(in request, ref answer);
        if (error != Errno.Ok)
        {
            return error == NotBlockDevice ? Errno.InputOutput : error;
        }
        if (!connection.MayReply(in request, in answer))
        {
            return Errno.InputOutput;
        }
        ref IomapBeginOut wire = ref reply.Append<IomapBeginOut>();
        connection.Encode(in answer.Source, ref wire.Read);
        connection.Encode(in answer.Target, ref wire.Write);
        return Errno.Ok;
    }

    private Errno End(in InHeader header, ReadOnlySpan<byte> body)
    {
        if (!TryRead(body, out IomapEndIn end) || !IsRange(end.Position, end.Count)
            || end.Written > (long)end.Count)
        {
            return Malformed(in header, body);
        }
        if (!connection.Revision.TryDecode(end.Operation, out IomapOperation operation))
        {
            FuseLog.UnknownOperation(log, end.Operation);
            return Errno.NotSupported;
        }
        if ((operation & IomapOperation.WriteBack) != 0)
        {
            // Follows every BEGIN of write-back on v9 and says nothing. An error would make the write-back fail.
            return Errno.Ok;
        }
        var request = new EndRequest(
            new FileIdentity(header.NodeId, end.Inode), operation, (long)end.Position, (long)end.Count,
            Math.Max(end.Written, 0), (MappingFlags)end.Map.Flags);
        return handler.EndMapping(in request);
    }

    private Errno IoEnd(in InHeader header, ReadOnlySpan<byte> body, ref ReplyWriter reply)
    {
        if (!TryRead(body, out IomapIoEndIn done) || !IsRange(done.Position, done.Written)
            || done.Error is > 0 or < -MaxErrno)
        {
            return Malformed(in header, body);
        }
        var request = new IoEndRequest(
            new FileIdentity(header.NodeId, done.Inode), (IoEndFlags)done.Flags, (Errno)(-done.Error),
            (long)done.Position, (long)done.Written, header.Uid);
        if (request.Error == Errno.Ok && request.Written > 0)
        {
            var later = new DeferredIoEnd(reply.Defer(in header));
            if (handler.TryJoin(in request, later))
            {
                return Errno.Ok;
            }
            reply.Undefer();
        }
        Errno error = handler.CompleteIo(in request, out long sizeBytes);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (sizeBytes < 0)
        {
            FuseLog.SizeWithheld(log, in request, sizeBytes);
            return Errno.InputOutput;
        }
        reply.Append<IomapIoEndOut>().NewSize = (ulong)sizeBytes;
        return Errno.Ok;
    }

    private static bool TryRead<T>(ReadOnlySpan<byte> body, out T value) where T : unmanaged
    {
        if (body.Length == Unsafe.SizeOf<T>())
        {
            value = MemoryMarshal.Read<T>(body);
            return true;
        }
        value = default;
        return false;
    }

    private Errno Malformed(in InHeader header, ReadOnlySpan<byte> body)
    {
        FuseLog.Malformed(log, (uint)header.Opcode, body.Length + Unsafe.SizeOf<InHeader>());
        return Errno.InputOutput;
    }

    private static bool IsRange(ulong offset, ulong length)
        => offset <= long.MaxValue && length <= long.MaxValue - offset;
}
