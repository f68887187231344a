using System.Runtime.InteropServices;
using System.Text;

namespace Fuse4fs.Server.Control;

/// <summary>What a server tells about itself. Host byte order, as all ioctl structures.</summary>
[StructLayout(LayoutKind.Sequential, Size = (int)Bytes)]
internal unsafe struct ControlStatus
{
    /// <summary>Size; an ioctl number has room for 16383.</summary>
    public const uint Bytes = 4096;

    /// <summary>First word of the structure: tells our servers from others that answer unknown commands.</summary>
    public const uint ExpectedMark = 0x46344653;

    private const int TextBytes = (int)Bytes - 32;

    public uint Mark;

    /// <summary>The server's process number in its own pid namespace.</summary>
    public int ProcessId;

    /// <summary>Which pid namespace: inode number of /proc/self/ns/pid.</summary>
    public ulong ProcessNamespace;

    /// <summary>Requests served, of all kinds.</summary>
    public ulong Requests;

    /// <summary>Bytes of <see cref="_text"/> in use.</summary>
    public uint TextLength;

    /// <summary>1 when the server was started read-only.</summary>
    public uint IsReadOnly;
    private fixed byte _text[TextBytes];

    /// <summary>Lines for people: key, colon, value.</summary>
    public string Text
    {
        get
        {
            fixed (byte* text = _text)
            {
                return Encoding.UTF8.GetString(text, (int)Math.Min(TextLength, TextBytes));
            }
        }
        set
        {
            fixed (byte* text = _text)
            {
                Encoding.UTF8.GetEncoder().Convert(value, new Span<byte>(text, TextBytes), flush: true, out _,
                    out int used, out _);
                TextLength = (uint)used;
            }
        }
    }
}
