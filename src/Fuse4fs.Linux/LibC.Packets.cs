using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>Sockets that keep messages apart (SOCK_SEQPACKET), with descriptors beside them.</summary>
public static unsafe partial class LibC
{
    private const int MessageControlTruncated = 0x8, MessageTruncated = 0x20, MessageEndOfRecord = 0x80;
    private const int MessageNoSignal = 0x4000;

    /// <summary>SO_PASSRIGHTS: whether descriptors may come in. Linux 6.16.</summary>
    private const int SocketPassRights = 83;

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(FileDescriptor socket, void* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(FileDescriptor socket, int level, int option, void* value, uint length);

    /// <summary>Sends one message, whole or not at all.</summary>
    public static Errno SendPacket(FileDescriptor socket, ReadOnlySpan<byte> message)
    {
        fixed (byte* start = message)
        {
            while (Send(socket, start, (nuint)message.Length, MessageEndOfRecord | MessageNoSignal) < 0)
            {
                Errno error = LastError;
                if (error != Errno.Interrupted)
                {
                    return error;
                }
            }
            return Errno.Ok;
        }
    }

    /// <summary>Receives one message and the descriptor that came with it.</summary>
    /// <param name="socket">Connected.</param>
    /// <param name="buffer">For the message.</param>
    /// <param name="length">Bytes of the message; 0 when the other side is gone.</param>
    /// <param name="descriptor">Null when none came.</param>
    /// <returns>BadMessage for one that does not fit into the buffer, or whose descriptor was kept back.</returns>
    public static Errno ReceivePacket(FileDescriptor socket, Span<byte> buffer, out int length, out FileDescriptor? descriptor)
    {
        descriptor = null;
        length = 0;
        DescriptorMessage control = default;
        nint count;
        int flags;
        fixed (byte* start = buffer)
        {
            var vector = new IoVector { Base = start, Length = (nuint)buffer.Length };
            Errno error;
            do
            {
                var message = new MessageHeader
                {
                    Vectors = &vector,
                    VectorCount = 1,
                    Control = &control,
                    // Room for one and no more: what was not asked for is not taken in.
                    ControlLength = LengthWithOneDescriptor,
                };
                count = ReceiveMessage(socket, &message, MessageTruncated | MessageCloseOnExec);
                error = LastError;
                flags = message.Flags;
            }
            while (count < 0 && error == Errno.Interrupted);
            if (count < 0)
            {
                return error;
            }
        }
        if (control.Length == LengthWithOneDescriptor && control.Level == SolSocket && control.Type == ScmRights)
        {
            descriptor = new FileDescriptor(control.Descriptor);
        }
        if (count > buffer.Length || (flags & MessageControlTruncated) != 0)
        {
            descriptor?.Dispose();
            descriptor = null;
            return Errno.BadMessage;
        }
        length = (int)count;
        return Errno.Ok;
    }

    /// <summary>Takes in no descriptors from now on; kernels that cannot be told so are left as they are.</summary>
    public static void RefuseDescriptors(FileDescriptor socket)
    {
        int no = 0;
        _ = SetSocketOption(socket, SolSocket, SocketPassRights, &no, sizeof(int));
    }
}
