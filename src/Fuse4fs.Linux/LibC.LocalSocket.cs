using System.Runtime.InteropServices;
using System.Text;

namespace Fuse4fs.Linux;

/// <summary>Sockets with a name in the file system.</summary>
public static unsafe partial class LibC
{
    /// <summary>Longest name of a socket, bytes: sun_path without its final zero.</summary>
    public const int LongestSocketName = 107;

    private const int ReceiveTimeout = 20;
    private const int SendTimeout = 21;
    private const int PeerCredentials = 17;

    /// <summary>struct sockaddr_un.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LocalAddress
    {
        public ushort Family;
        public fixed byte Path[LongestSocketName + 1];
    }

    /// <summary>struct ucred.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Credentials
    {
        public int ProcessId;
        public uint UserId;
        public uint GroupId;
    }

    /// <summary>struct timeval.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeValue
    {
        public nint Seconds;
        public nint Microseconds;
    }

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    private static partial FileDescriptor Socket(int domain, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(FileDescriptor socket, LocalAddress* address, uint length);

    [LibraryImport(Library, EntryPoint = "connect", SetLastError = true)]
    private static partial int Connect(FileDescriptor socket, LocalAddress* address, uint length);

    [LibraryImport(Library, EntryPoint = "listen", SetLastError = true)]
    private static partial int Listen(FileDescriptor socket, int backlog);

    [LibraryImport(Library, EntryPoint = "accept4", SetLastError = true)]
    private static partial FileDescriptor Accept(FileDescriptor socket, void* address, uint* length, int flags);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetSocketOption(FileDescriptor socket, int level, int name, void* value, uint* length);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(FileDescriptor socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(FileDescriptor socket, byte* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    private static partial int ShutDownSocket(FileDescriptor socket, int how);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    private static partial int ChangeMode(FileDescriptor descriptor, uint mode);

    [LibraryImport(Library, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MakeDirectory(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    /// <summary>A listening stream socket with a name, for its owner alone (0600), close-on-exec.</summary>
    public static Errno TryListen(string path, int backlog, out FileDescriptor? listener)
    {
        const uint forOwner = 0x180;
        listener = null;
        if (!TryAddress(path, out LocalAddress address))
        {
            return Errno.NameTooLong;
        }
        FileDescriptor socket = Socket(AddressFamilyUnix, SocketStream | SocketCloseOnExec, 0);
        // The mode of an unbound socket becomes that of its name: at no moment is it open to others.
        if (socket.IsInvalid || ChangeMode(socket, forOwner) != 0
            || Bind(socket, &address, (uint)sizeof(LocalAddress)) != 0 || Listen(socket, backlog) != 0)
        {
            Errno error = LastError;
            socket.Dispose();
            return error;
        }
        listener = socket;
        return Errno.Ok;
    }

    /// <summary>Connects to a named stream socket.</summary>
    public static Errno TryConnect(string path, out FileDescriptor? connection)
    {
        connection = null;
        if (!TryAddress(path, out LocalAddress address))
        {
            return Errno.NameTooLong;
        }
        FileDescriptor socket = Socket(AddressFamilyUnix, SocketStream | SocketCloseOnExec, 0);
        if (socket.IsInvalid || Connect(socket, &address, (uint)sizeof(LocalAddress)) != 0)
        {
            Errno error = LastError;
            socket.Dispose();
            return error;
        }
        connection = socket;
        return Errno.Ok;
    }

    /// <summary>Waits for a client. After <see cref="ShutDown"/> from another thread: Invalid.</summary>
    public static Errno TryAccept(FileDescriptor listener, out FileDescriptor? connection)
    {
        FileDescriptor socket = Accept(listener, null, null, SocketCloseOnExec);
        Errno error = socket.IsInvalid ? LastError : Errno.Ok;
        connection = error == Errno.Ok ? socket : null;
        return error;
    }

    /// <summary>Who was on the other side when it connected, as our own user namespace numbers it.</summary>
    public static Errno TryGetPeer(FileDescriptor connection, out uint userId)
    {
        Credentials peer;
        uint length = (uint)sizeof(Credentials);
        Errno error = GetSocketOption(connection, SolSocket, PeerCredentials, &peer, &length) == 0 ? Errno.Ok : LastError;
        userId = error == Errno.Ok ? peer.UserId : uint.MaxValue;
        return error;
    }

    /// <summary>How long a receive and a send wait before they give Again; zero for ever.</summary>
    public static void SetTimeouts(FileDescriptor connection, TimeSpan receive, TimeSpan send)
    {
        var time = new TimeValue { Seconds = (nint)receive.TotalSeconds };
        _ = SetSocketOption(connection, SolSocket, ReceiveTimeout, &time, (uint)sizeof(TimeValue));
        time = new TimeValue { Seconds = (nint)send.TotalSeconds };
        _ = SetSocketOption(connection, SolSocket, SendTimeout, &time, (uint)sizeof(TimeValue));
    }

    /// <summary>Ends both directions: whoever waits on it, on either side, goes on.</summary>
    public static void ShutDown(FileDescriptor socket)
    {
        const int both = 2;
        _ = ShutDownSocket(socket, both);
    }

    /// <summary>Receives some bytes.</summary>
    /// <returns>Ok with a length of 0 at the end; Again after the time.</returns>
    public static Errno TryReceive(FileDescriptor socket, Span<byte> buffer, out int length)
    {
        fixed (byte* start = buffer)
        {
            nint count;
            Errno error;
            do
            {
                count = Receive(socket, start, (nuint)buffer.Length, 0);
                error = LastError;
            }
            while (count < 0 && error == Errno.Interrupted);
            length = (int)Math.Max(0, count);
            return count < 0 ? error : Errno.Ok;
        }
    }

    /// <summary>Sends all bytes; a descriptor, where there is one, goes with the first of them (SCM_RIGHTS).</summary>
    public static Errno TrySend(FileDescriptor socket, ReadOnlySpan<byte> bytes, FileDescriptor? passed = null)
    {
        fixed (byte* start = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint count = SendPiece(socket, start + done, bytes.Length - done, done == 0 ? passed : null);
                if (count >= 0)
                {
                    done += (int)count;
                }
                else if (LastError != Errno.Interrupted)
                {
                    return LastError;
                }
            }
        }
        return Errno.Ok;
    }

    private static nint SendPiece(FileDescriptor socket, byte* start, int length, FileDescriptor? passed)
    {
        if (passed is null)
        {
            return Send(socket, start, (nuint)length, MessageNoSignal);
        }
        var vector = new IoVector { Base = start, Length = (nuint)length };
        bool isHeld = false;
        try
        {
            passed.DangerousAddRef(ref isHeld);
            var control = new DescriptorMessage
            {
                Length = LengthWithOneDescriptor,
                Level = SolSocket,
                Type = ScmRights,
                Descriptor = passed.Number,
            };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(DescriptorMessage),
            };
            return SendMessage(socket, &message, MessageNoSignal);
        }
        finally
        {
            if (isHeld)
            {
                passed.DangerousRelease();
            }
        }
    }

    private static bool TryAddress(string path, out LocalAddress address)
    {
        address = new LocalAddress { Family = AddressFamilyUnix };
        if (Encoding.UTF8.GetByteCount(path) > LongestSocketName)
        {
            return false;
        }
        fixed (byte* start = address.Path)
        {
            Encoding.UTF8.GetBytes(path, new Span<byte>(start, LongestSocketName));
        }
        return true;
    }
}
