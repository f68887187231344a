using System.Runtime.InteropServices;
using System.Text;

namespace Fuse4fs.Server.Control;

/// <summary>Who serves a mount, and where to talk to it. Host byte order, as all ioctl structures.</summary>
[StructLayout(LayoutKind.Sequential, Size = (int)Bytes)]
internal unsafe struct MountIdentity
{
    /// <summary>Size; an ioctl number has room for 16383.</summary>
    public const uint Bytes = 256;

    /// <summary>First word of the structure: tells our servers from others that answer unknown commands.</summary>
    public const uint ExpectedMark = 0x46344654;

    private const int TextBytes = (int)Bytes - 24;

    public uint Mark;

    /// <summary>The server's process number in its own pid namespace.</summary>
    public int ProcessId;

    /// <summary>Which pid namespace: inode number of /proc/self/ns/pid.</summary>
    public ulong ProcessNamespace;

    /// <summary>1 when the server was started read-only.</summary>
    public uint IsReadOnly;

    /// <summary>Bytes of <see cref="_socket"/> in use.</summary>
    public uint SocketLength;
    private fixed byte _socket[TextBytes];

    /// <summary>The path of its socket as it sees it; empty when it has none.</summary>
    public string Socket
    {
        get
        {
            fixed (byte* text = _socket)
            {
                return Encoding.UTF8.GetString(text, (int)Math.Min(SocketLength, TextBytes));
            }
        }
        set
        {
            int length = Encoding.UTF8.GetByteCount(value);
            SocketLength = length <= TextBytes ? (uint)length : 0;
            fixed (byte* text = _socket)
            {
                Encoding.UTF8.GetBytes(length <= TextBytes ? value : "", new Span<byte>(text, TextBytes));
            }
        }
    }
}
