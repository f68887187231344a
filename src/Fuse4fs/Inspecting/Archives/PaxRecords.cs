using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>The records of one extended header of a PAX archive (POSIX.1-2001, pax, "Extended Header"): each is its own
/// length in decimal, a blank, the keyword, '=', the value and a newline. Values may be any bytes.</summary>
internal sealed class PaxRecords
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>All records so far.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <summary>Forgets all records.</summary>
    public void Clear() => _bytes.ResetWrittenCount();

    /// <summary>Adds a record with a value of bytes.</summary>
    public void Add(ReadOnlySpan<byte> keyword, ReadOnlySpan<byte> value)
    {
        int length = LengthOf(keyword.Length + value.Length + 3);
        Span<byte> digits = stackalloc byte[16];
        Utf8Formatter.TryFormat(length, digits, out int count);
        _bytes.Write(digits[..count]);
        _bytes.Write(" "u8);
        _bytes.Write(keyword);
        _bytes.Write("="u8);
        _bytes.Write(value);
        _bytes.Write("\n"u8);
    }

    /// <summary>Adds a number.</summary>
    public void Add(ReadOnlySpan<byte> keyword, long value) =>
        Add(keyword, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Adds a time: decimal seconds, so that half a second before 1970 is -0.5.</summary>
    public void Add(ReadOnlySpan<byte> keyword, Timestamp time)
    {
        bool isBefore = time.Seconds < 0;
        long seconds = isBefore && time.Nanoseconds > 0 ? -(time.Seconds + 1) : Math.Abs(time.Seconds);
        uint nanoseconds = isBefore && time.Nanoseconds > 0 ? 1_000_000_000 - time.Nanoseconds : time.Nanoseconds;
        string fraction = nanoseconds == 0 ? "" : "." + nanoseconds.ToString("000000000", CultureInfo.InvariantCulture);
        string text = (isBefore ? "-" : "") + seconds.ToString(CultureInfo.InvariantCulture) + fraction;
        Add(keyword, Encoding.ASCII.GetBytes(text));
    }

    /// <summary>The length counts its own digits.</summary>
    private static int LengthOf(int rest)
    {
        int length = rest;
        while (true)
        {
            int next = rest + length.ToString(CultureInfo.InvariantCulture).Length;
            if (next == length)
            {
                return length;
            }
            length = next;
        }
    }
}
