using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    private const int AddressFamilyUnix = 1;
    private const int SocketStream = 1;
    private const int SocketCloseOnExec = 0x80000;
    private const int SolSocket = 1;
    private const int ScmRights = 1;
    private const int MessageCloseOnExec = 0x40000000;

    /// <summary>CMSG_LEN(sizeof(int)).</summary>
    private const int LengthWithOneDescriptor = 20;

    /// <summary>struct msghdr of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct cmsghdr of 64-bit Linux with room for one descriptor.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DescriptorMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
        public int Padding;
    }

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    private static partial int SocketPair(int domain, int type, int protocol, int* pair);

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(FileDescriptor socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    private static partial int Pipe(int* pair, OpenFlags flags);

    /// <summary>A pair of connected stream sockets, close-on-exec.</summary>
    public static Errno TryCreateSocketPair(out FileDescriptor? one, out FileDescriptor? other)
    {
        int* pair = stackalloc int[2];
        return Adopt(SocketPair(AddressFamilyUnix, SocketStream | SocketCloseOnExec, 0, pair), pair, out one, out other);
    }

    /// <summary>A pipe, close-on-exec.</summary>
    public static Errno TryCreatePipe(out FileDescriptor? reader, out FileDescriptor? writer)
    {
        int* pair = stackalloc int[2];
        return Adopt(Pipe(pair, OpenFlags.CloseOnExec), pair, out reader, out writer);
    }

    /// <summary>Receives a descriptor that another process sends over a socket (SCM_RIGHTS).</summary>
    /// <returns>NoData when the other side closed without sending one.</returns>
    public static Errno TryReceiveDescriptor(FileDescriptor socket, out FileDescriptor? received) =>
        TryReceiveDescriptor(socket, out _, out received);

    /// <summary>As above, for one that comes with text.</summary>
    /// <param name="socket">Connected.</param>
    /// <param name="first">The text's first byte; 0 when the other side closed.</param>
    /// <param name="received">The descriptor.</param>
    /// <returns>NoData when the byte came alone.</returns>
    public static Errno TryReceiveDescriptor(FileDescriptor socket, out byte first, out FileDescriptor? received)
    {
        received = null;
        byte data = 0;
        DescriptorMessage control = default;
        var vector = new IoVector { Base = &data, Length = 1 };
        nint count;
        Errno error;
        do
        {
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(DescriptorMessage),
            };
            count = ReceiveMessage(socket, &message, MessageCloseOnExec);
            error = LastError;
        }
        while (count < 0 && error == Errno.Interrupted);
        first = data;
        if (count < 0)
        {
            return error;
        }
        if (control.Length != LengthWithOneDescriptor || control.Level != SolSocket || control.Type != ScmRights)
        {
            return Errno.NoData;
        }
        received = new FileDescriptor(control.Descriptor);
        return Errno.Ok;
    }

    private static Errno Adopt(int result, int* pair, out FileDescriptor? one, out FileDescriptor? other)
    {
        Errno error = result == 0 ? Errno.Ok : LastError;
        one = error == Errno.Ok ? new FileDescriptor(pair[0]) : null;
        other = error == Errno.Ok ? new FileDescriptor(pair[1]) : null;
        return error;
    }
}
