using System.Globalization;
using System.Text;

namespace Fuse4fs.Testing.Native;

/// <summary>Bytes as unambiguous ASCII text, for canonical records and messages.</summary>
public static class ByteText
{
    /// <summary>Printable ASCII stays; a backslash and everything else becomes \xHH.</summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (byte value in bytes)
        {
            if (value is > 32 and < 127 and not (byte)'\\')
            {
                text.Append((char)value);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
            }
        }
        return text.ToString();
    }
}
