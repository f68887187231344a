using System.Runtime.InteropServices;
using Fuse4fs.Ext4;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Sandbox;

namespace Fuse4fs.Server.Handlers;

/// <summary>The ioctl commands about the whole volume. Capabilities of a caller are not on the wire: root, and whoever
/// runs the server, may do what the kernel reserves for CAP_SYS_ADMIN.</summary>
internal static class VolumeIoControl
{
    private const int LabelBytes = 256;
    private const int UuidHeaderBytes = 8;

    /// <summary>EXT4_IOC_CHECKPOINT_FLAG_*.</summary>
    private const uint CheckpointDiscard = 1, CheckpointZero = 2, CheckpointTry = 4;

    public static Errno GetLabel(ServedVolume server, in IoControlIn request, ref ReplyWriter reply)
    {
        Span<byte> label = stackalloc byte[LabelBytes];
        label.Clear();
        server.Volume.GetLabel(label);
        return IoControlHandler.Answer(label, in request, ref reply);
    }

    public static Errno SetLabel(
        ServedVolume server, in InHeader header, ReadOnlySpan<byte> input, ref ReplyWriter reply)
    {
        if (!IsAdministrator(in header))
        {
            return Errno.NotPermitted;
        }
        int end = input.IndexOf((byte)0);
        byte[] label = (end < 0 ? input : input[..end]).ToArray();
        return AnswerLater(server, in header, ref reply, () => server.Volume.SetLabel(label));
    }

    /// <summary>The UUID behind the head stays in the caller's memory, and is fetched from there where that is
    /// permitted.</summary>
    public static Errno SetUuid(ServedVolume server, in InHeader header, in IoControlIn request,
        ReadOnlySpan<byte> input, ref ReplyWriter reply)
    {
        if (!IsAdministrator(in header))
        {
            return Errno.NotPermitted;
        }
        if (!server.Volume.CanChangeUuid)
        {
            return Errno.NotSupported;
        }
        if (!MemoryMarshal.TryRead(input, out uint length)
            || !MemoryMarshal.TryRead(input[sizeof(uint)..], out uint flags)
            || length != Volume.UuidBytes || flags != 0)
        {
            return Errno.Invalid;
        }
        byte[] uuid = new byte[Volume.UuidBytes];
        return CallerMemory.Of(server, in header, in request).TryRead(UuidHeaderBytes, uuid)
            ? AnswerLater(server, in header, ref reply, () => server.Volume.SetUuid(uuid))
            : Errno.NotPermitted;
    }

    /// <summary>The log is brought home, and erased where that is asked for.</summary>
    public static Errno Checkpoint(
        ServedVolume server, in InHeader header, ReadOnlySpan<byte> input, ref ReplyWriter reply)
    {
        if (!IsAdministrator(in header))
        {
            return Errno.NotPermitted;
        }
        const uint erasing = CheckpointDiscard | CheckpointZero;
        if (!MemoryMarshal.TryRead(input, out uint flags) || (flags & ~(erasing | CheckpointTry)) != 0
            || (flags & erasing) == erasing)
        {
            return Errno.Invalid;
        }
        LogErasing kind = (flags & erasing) switch
        {
            CheckpointDiscard => LogErasing.Discard,
            CheckpointZero => LogErasing.Zero,
            _ => LogErasing.None,
        };
        return AnswerLater(
            server, in header, ref reply, () => server.Volume.Checkpoint((flags & CheckpointTry) != 0, kind));
    }

    /// <summary>struct fsuuid is declared without its bytes, so FUSE carries neither the length the caller has room for nor
    /// the UUID: both are fetched from and put into the caller's memory, where that is permitted.</summary>
    public static Errno GetUuid(ServedVolume server, in InHeader header, in IoControlIn request, ref ReplyWriter reply)
    {
        if (!MayTouchMemory(in header))
        {
            return Errno.NotPermitted;
        }
        Span<uint> head = stackalloc uint[UuidHeaderBytes / sizeof(uint)];
        head.Clear();
        CallerMemory memory = CallerMemory.Of(server, in header, in request);
        if (!memory.TryRead(0, MemoryMarshal.AsBytes(head)))
        {
            return Errno.NotPermitted;
        }
        if (head[0] != 0)
        {
            if (head[0] < Volume.UuidBytes || head[1] != 0)
            {
                return Errno.Invalid;
            }
            Span<byte> uuid = stackalloc byte[Volume.UuidBytes];
            server.Volume.GetUuid(uuid);
            if (!memory.TryWrite(UuidHeaderBytes, uuid))
            {
                return Errno.BadAddress;
            }
        }
        head[0] = Volume.UuidBytes;
        return IoControlHandler.Answer(MemoryMarshal.AsBytes(head), in request, ref reply);
    }

    /// <summary>FITRIM takes long: done in the background.</summary>
    public static Errno Trim(ServedVolume server, in InHeader header, ReadOnlySpan<byte> input, ref ReplyWriter reply)
    {
        if (!IsAdministrator(in header))
        {
            return Errno.NotPermitted;
        }
        if (!MemoryMarshal.TryRead(input, out TrimRange range))
        {
            return Errno.Invalid;
        }
        DeferredReply later = reply.Defer(in header);
        LongWork.Run(server, later, cancellation =>
        {
            Errno error = server.Volume.Trim(range.StartBytes, range.LengthBytes, range.MinimumBytes,
                out ulong trimmed, cancellation);
            if (error != Errno.Ok)
            {
                later.Complete(error);
                return;
            }
            Span<byte> answer = stackalloc byte[IoControlCommands.AnswerBytes + TrimRange.Bytes];
            answer.Clear();
            TrimRange result = range with { LengthBytes = trimmed };
            MemoryMarshal.Write(answer[IoControlCommands.AnswerBytes..], in result);
            later.Complete(answer);
        });
        return Errno.Ok;
    }

    /// <summary>EXT4_IOC_SHUTDOWN: its word stays in the caller's memory. Where that cannot be read the log is
    /// flushed.</summary>
    public static Errno ShutDown(ServedVolume server, in InHeader header, in IoControlIn request, ref ReplyWriter reply)
    {
        if (!IsAdministrator(in header))
        {
            return Errno.NotPermitted;
        }
        Span<byte> word = stackalloc byte[sizeof(uint)];
        if (!CallerMemory.Of(server, in header, in request).TryRead(0, word))
        {
            MemoryMarshal.Write(word, (uint)ShutdownMode.LogFlush);
        }
        uint mode = MemoryMarshal.Read<uint>(word);
        if (mode > (uint)ShutdownMode.NoLogFlush)
        {
            return Errno.Invalid;
        }
        // Shut down it is, whatever could be written.
        _ = server.ShutDown((ShutdownMode)mode);
        return IoControlHandler.Finish(Errno.Ok, ref reply);
    }

    /// <summary>For what waits for the device.</summary>
    private static Errno AnswerLater(
        ServedVolume server, in InHeader header, ref ReplyWriter reply, Func<Errno> work)
    {
        DeferredReply later = reply.Defer(in header);
        LongWork.Run(server, later, _ =>
        {
            Errno error = work();
            if (error == Errno.Ok)
            {
                later.Complete(stackalloc byte[IoControlCommands.AnswerBytes]);
            }
            else
            {
                later.Complete(error);
            }
        });
        return Errno.Ok;
    }

    /// <summary>Whether the memory of the process that asks may be read and written for it. While it waits, another thread
    /// of it can execute a set-user-id program under the same process number, or it dies and the number is used again: a
    /// server with root's rights would then change the memory of somebody who has more rights than the caller. The kernel
    /// checks every other server's access by itself.</summary>
    internal static bool MayTouchMemory(in InHeader header) => LibC.GetEffectiveUid() != 0 || header.Uid == 0;

    internal static bool IsAdministrator(in InHeader header) =>
        header.Uid == 0 || header.Uid == LibC.GetEffectiveUid();
}
