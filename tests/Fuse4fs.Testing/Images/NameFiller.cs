using System.Globalization;
using System.Text;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Odd names.</summary>
internal static class NameFiller
{
    private const int LongestName = 255;

    public static void Fill(FillTarget target)
    {
        foreach (string name in new[]
        {
            " ", "  leading and trailing  ", "-rf", "...", ". .", "a\nb", "tab\there", "quote'\"`$(x)", "back\\slash", "*?[]",
            "\u00e4\u00f6\u00fc\u00df", "\u65e5\u672c\u8a9e", "\U0001F600", "e\u0301 and \u00e9", "UPPER", "upper", "#hash#", "~",
        })
        {
            target.File(name, name.Length);
        }
        for (int first = 1; first < 256; first += 50)
        {
            byte[] name = [.. Enumerable.Range(first, Math.Min(50, 256 - first)).Select(value => (byte)value).Where(value => value != '/')];
            target.File(name, first);
        }
        foreach (int length in new[] { 1, 2, 3, 4, 5, 254, LongestName })
        {
            string name = length.ToString(CultureInfo.InvariantCulture).PadRight(length, 'n')[..length];
            target.File(Encoding.ASCII.GetBytes(name + name[..0]), length);
        }
        FillTarget deep = target;
        for (int level = 0; level < 30; level++)
        {
            deep = deep.Subdirectory(string.Create(CultureInfo.InvariantCulture, $"level-{level}"));
        }
        deep.File("bottom", 10);
    }
}
