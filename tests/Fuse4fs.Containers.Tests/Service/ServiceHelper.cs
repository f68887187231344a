using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Containers.Tests.Service;

/// <summary>The helper's side of the mount service protocol, written from its description: it connects, brings arguments and
/// /dev/fuse, opens what it is asked to open, and mounts. It keeps every message as text, to be compared byte for byte.
/// </summary>
internal sealed class ServiceHelper : IDisposable
{
    private readonly Socket _socket;
    private readonly List<FileDescriptor> _opened = [];
    private FileDescriptor? _device;
    private string _mountPoint = "";
    private string _source = "";
    private string _words = "";

    public ServiceHelper(string path)
    {
        // The socket's name appears a moment before somebody listens.
        Socket? connected = null;
        Assert.True(SpinWait.SpinUntil(() => TryConnect(path, out connected), TimeSpan.FromSeconds(30)), "nobody listens");
        _socket = connected!;
        _socket.ReceiveTimeout = 60_000;
    }

    /// <summary>What the service sent: tag, then the rest in hexadecimal, or as text where it is text.</summary>
    public List<string> Heard { get; } = [];

    /// <summary>Answers given instead of doing what is asked, by tag.</summary>
    public Dictionary<string, Errno> Refusals { get; } = [];

    /// <summary>Greets, sends the arguments and the device, and does what it is told until BYEE.</summary>
    /// <returns>The exit code that came with it; null when the service left without a word.</returns>
    public int? Mount(params string[] arguments)
    {
        Greet(0x53414654_0001_0001, 3);
        SendFile("argv", Arguments(arguments));
        SendFile("fusedev", LibC.Open("/dev/fuse", OpenFlags.ReadWrite | OpenFlags.CloseOnExec, 0));
        return Obey();
    }

    public void Greet(ulong tagAndVersions, uint flags)
    {
        byte[] hello = new byte[12];
        BinaryPrimitives.WriteUInt64BigEndian(hello, tagAndVersions);
        BinaryPrimitives.WriteUInt32BigEndian(hello.AsSpan(8), flags);
        Send(hello);
        if (Receive() is { } reply)
        {
            Heard.Add(Convert.ToHexString(reply));
        }
    }

    public void Send(byte[] message) => _socket.Send(message);

    public byte[]? Receive()
    {
        byte[] buffer = new byte[65536];
        try
        {
            int length = _socket.Receive(buffer);
            return length == 0 ? null : buffer[..length];
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void SendFile(string path, FileDescriptor file)
    {
        _opened.Add(file);
        _device = path == "fusedev" ? file : _device;
        Native.Send((int)_socket.Handle, [.. "FILE"u8, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(path), 0], file.Number);
    }

    /// <summary>ARGS, count, then position and length of each, then the strings.</summary>
    public static FileDescriptor Arguments(params string[] arguments)
    {
        int position = 8 + (8 * arguments.Length);
        var table = new MemoryStream();
        var strings = new MemoryStream();
        table.Write("ARGS"u8);
        Write(table, (uint)arguments.Length);
        foreach (string argument in arguments)
        {
            byte[] bytes = [.. Encoding.UTF8.GetBytes(argument), 0];
            Write(table, (uint)position);
            Write(table, (uint)bytes.Length);
            strings.Write(bytes);
            position += bytes.Length;
        }
        return Native.MemoryFile([.. table.ToArray(), .. strings.ToArray()]);
    }

    public int? Obey()
    {
        while (Receive() is { } message)
        {
            string tag = Encoding.ASCII.GetString(message, 0, 4);
            ReadOnlySpan<byte> body = message.AsSpan(4);
            switch (tag)
            {
                case "OPEN": Open(body); break;
                case "TYPE": Reply(tag, Convert.ToHexString(body)); break;
                case "NAME": Reply(tag, _source = Text(body)); break;
                case "OPTS": Reply(tag, _words = Text(body)); break;
                case "MNTP":
                    _mountPoint = Text(body[4..]);
                    Reply(tag, $"{Convert.ToHexString(body[..4])} {_mountPoint}");
                    break;
                case "DOIT": Mount((MountFlags)BinaryPrimitives.ReadUInt32BigEndian(body), body); break;
                case "BYEE":
                    Heard.Add($"{tag} {Convert.ToHexString(body)}");
                    return (int)BinaryPrimitives.ReadUInt32BigEndian(body);
                default: throw new InvalidOperationException($"unknown command {tag}");
            }
        }
        return null;
    }

    public void Dispose()
    {
        foreach (FileDescriptor file in _opened)
        {
            file.Dispose();
        }
        _socket.Dispose();
    }

    private static bool TryConnect(string path, out Socket? socket)
    {
        socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            socket.Dispose();
            return false;
        }
    }

    private void Mount(MountFlags flags, ReadOnlySpan<byte> body)
    {
        string data = string.Create(CultureInfo.InvariantCulture,
            $"{_words},fd={_device?.Number},rootmode=40000,user_id=0,group_id=0").TrimStart(',');
        Errno error = Refusals.TryGetValue("DOIT", out Errno refusal) ? refusal
            : LibC.Mount(_source, _mountPoint, "fuse.ext4", flags, data) == 0 ? Errno.Ok : LibC.LastError;
        Reply("DOIT", Convert.ToHexString(body), error);
    }

    /// <summary>Open flags, mode, request flags, block size, path.</summary>
    private void Open(ReadOnlySpan<byte> body)
    {
        string path = Text(body[16..]);
        Heard.Add($"OPEN {Convert.ToHexString(body[..16])} {path}");
        var flags = (OpenFlags)BinaryPrimitives.ReadUInt32BigEndian(body);
        bool mayWrite = !Refusals.ContainsKey("OPEN");
        FileDescriptor file = LibC.Open(path, flags | OpenFlags.CloseOnExec, 0);
        Errno error = LibC.LastError;
        if (!mayWrite && (flags & OpenFlags.AccessMask) != OpenFlags.ReadOnly)
        {
            file.Dispose();
            error = Refusals["OPEN"];
        }
        if (!file.IsInvalid && !file.IsClosed)
        {
            using (file)
            {
                // Not kept: its locks are the service's.
                Native.Send((int)_socket.Handle, [.. "FILE"u8, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(path), 0], file.Number);
            }
            return;
        }
        Send([.. "FILE"u8, 0, 0, 0, (byte)error, .. Encoding.UTF8.GetBytes(path), 0]);
    }

    private void Reply(string tag, string heard, Errno error = Errno.Ok)
    {
        Heard.Add($"{tag} {heard}");
        error = tag != "DOIT" && Refusals.TryGetValue(tag, out Errno refusal) ? refusal : error;
        Send([.. "REPL"u8, 0, 0, 0, (byte)error]);
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(0, bytes[^1]);
        return Encoding.UTF8.GetString(bytes[..^1]);
    }

    private static void Write(MemoryStream stream, uint value)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(word, value);
        stream.Write(word);
    }
}
