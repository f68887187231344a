using System.Buffers;
using System.Text;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Names for people: control characters, backslashes and bytes that are no UTF-8 become escapes of C, so that
/// one name is one line and no terminal obeys it.</summary>
internal static class EscapedName
{
    /// <summary>The name as text.</summary>
    public static string Of(string name) => Of(Encoding.UTF8.GetBytes(name));

    /// <summary>The name as text.</summary>
    public static string Of(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder(name.Length);
        while (!name.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(name, out Rune rune, out int length);
            if (status != OperationStatus.Done || Rune.IsControl(rune))
            {
                foreach (byte value in name[..length])
                {
                    AppendEscape(text, value);
                }
            }
            else if (rune.Value == '\\')
            {
                text.Append("\\\\");
            }
            else
            {
                text.Append(rune.ToString());
            }
            name = name[length..];
        }
        return text.ToString();
    }

    private static void AppendEscape(StringBuilder text, byte value)
    {
        switch (value)
        {
            case (byte)'\n': text.Append("\\n"); break;
            case (byte)'\t': text.Append("\\t"); break;
            case (byte)'\r': text.Append("\\r"); break;
            default:
                text.Append('\\').Append(Convert.ToString(value, 8).PadLeft(3, '0'));
                break;
        }
    }
}
