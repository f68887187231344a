using System.Globalization;
using System.Text;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Names that differ in case, in composition, in ignorable code points, and in nothing; whether two are the same
/// is decided by the hash that e2fsprogs' library gives their folded forms.</summary>
internal sealed class FoldedNames(Random random, int kinds)
{
    private const int HalfMd4 = 1;

    /// <summary>All alike to each other in one row; the last rows have nothing alike.</summary>
    private static readonly string[][] s_stems =
    [
        ["plain", "PLAIN", "pLaIn", "pl\u00ADain"],
        ["Gr\u00F6\u00DFe", "GRO\u0308SSE", "gr\u00D6\u1E9Ee"],
        ["\u00C9clair", "e\u0301clair", "E\u0301CLAIR"],
        ["\u03A3\u0399\u03A3\u03A5\u03A6\u039F\u03A3", "\u03C3\u03B9\u03C3\u03C5\u03C6\u03BF\u03C2"],
        ["\u01C4emal", "\u01C6EMAL", "\u01C5emal"],
        ["\uAC01\uD558", "\u1100\u1161\u11A8\u1112\u1161"],
        ["\uFB03ne", "FFINE", "\uFB00ine"],
        ["q\u0307\u0323", "Q\u0323\u0307"],
        ["CJK-\u6F22\u5B57"],
        ["\u200D", "\uFEFF", "\u00AD\u00AD"],
    ];

    private static readonly uint[] s_seed = [0x12345678, 0x9ABCDEF0, 0x0FEDCBA9, 0x87654321];

    /// <summary>Names that are not UTF-8 come now and then.</summary>
    public bool HasInvalid { get; init; }

    /// <summary>Few enough that operations meet.</summary>
    public byte[] Next()
    {
        int number = random.Next(kinds);
        if (HasInvalid && number % 11 == 0)
        {
            byte[] digits = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
            return [.. digits, 0xFF, (byte)"aA"[random.Next(2)]];
        }
        string[] alike = s_stems[number % s_stems.Length];
        string stem = alike[random.Next(alike.Length)];
        string tail = number < s_stems.Length
            ? ""
            : new string(random.Next(2) == 0 ? 'n' : 'N', number % 60) + number.ToString(CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetBytes(stem + tail);
    }

    /// <summary>Whether a strict volume refuses it.</summary>
    public static bool IsInvalid(byte[] name) => !System.Text.Unicode.Utf8.IsValid(name);

    /// <summary>The same for all names that are alike; what is not UTF-8 is like nothing else.</summary>
    public static string KeyOf(byte[] name)
    {
        if (IsInvalid(name))
        {
            return Convert.ToHexString(name);
        }
        (uint major, uint minor) = LibExt2Fs.Hash(HalfMd4, s_seed, name, isFolded: true);
        return $"{major:x8}{minor:x8}";
    }
}
