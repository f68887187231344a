using System.Text;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Names as casefolded directories compare them: decomposed, case folded, ignorable code points
/// removed.</summary>
/// <remarks>Kernel: utf8_casefold, form UTF8_NFDICF. An ignorable code point ends a run of combining marks, as a
/// starter does, although it leaves no trace itself.</remarks>
internal static class NameFolding
{
    /// <summary>Enough for any folded name of 255 bytes: no code point grows to more than four times its
    /// bytes.</summary>
    public const int MaxFoldedBytes = 1024;

    private const int HangulFirst = 0xAC00;
    private const int HangulCount = 11172;
    private const int LeadFirst = 0x1100;
    private const int VowelFirst = 0x1161;
    private const int TrailBeforeFirst = 0x11A7;
    private const int VowelTrailCount = 588;
    private const int TrailCount = 28;

    /// <summary>Folds a name.</summary>
    /// <param name="name">At most 255 bytes.</param>
    /// <param name="folded">Receives UTF-8; <see cref="MaxFoldedBytes"/> long.</param>
    /// <param name="length">Bytes written; may be 0 when all was ignorable.</param>
    /// <returns>False when the name is not UTF-8: it is then compared byte by byte.</returns>
    public static bool TryFold(ReadOnlySpan<byte> name, Span<byte> folded, out int length)
    {
        length = 0;
        if (name.Length * 4 > MaxFoldedBytes)
        {
            return false;
        }
        if (Ascii.IsValid(name))
        {
            return Ascii.ToLower(name, folded, out length) == System.Buffers.OperationStatus.Done;
        }
        Span<int> codePoints = stackalloc int[MaxFoldedBytes];
        if (!TryExpand(name, codePoints, out int count))
        {
            return false;
        }
        foreach (int codePoint in codePoints[..count])
        {
            length += new Rune(codePoint).EncodeToUtf8(folded[length..]);
        }
        return true;
    }

    /// <summary>Whether the name is valid UTF-8; strict volumes refuse to create others.</summary>
    public static bool IsValid(ReadOnlySpan<byte> name) => System.Text.Unicode.Utf8.IsValid(name);

    private static bool TryExpand(ReadOnlySpan<byte> name, Span<int> codePoints, out int count)
    {
        FoldingTable table = FoldingTable.Instance;
        count = 0;
        int runStart = 0; // first code point after the last one that marks cannot be moved across
        while (!name.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(name, out Rune rune, out int consumed) != System.Buffers.OperationStatus.Done)
            {
                return false;
            }
            name = name[consumed..];
            if (rune.Value is >= HangulFirst and < HangulFirst + HangulCount)
            {
                AppendHangul(rune.Value - HangulFirst, codePoints, ref count);
                runStart = count;
                continue;
            }
            if (!table.TryGetTarget(rune.Value, out ReadOnlySpan<int> target))
            {
                Append(table, rune.Value, codePoints, ref count, ref runStart);
                continue;
            }
            if (target.IsEmpty)
            {
                runStart = count;
            }
            foreach (int codePoint in target)
            {
                Append(table, codePoint, codePoints, ref count, ref runStart);
            }
        }
        return true;
    }

    /// <summary>Appends in canonical order: marks of one run stably sorted by class.</summary>
    private static void Append(FoldingTable table, int codePoint, Span<int> codePoints, ref int count, ref int runStart)
    {
        int at = count++;
        int order = table.ClassOf(codePoint);
        if (order == 0)
        {
            codePoints[at] = codePoint;
            runStart = count;
            return;
        }
        while (at > runStart && table.ClassOf(codePoints[at - 1]) > order)
        {
            codePoints[at] = codePoints[at - 1];
            at--;
        }
        codePoints[at] = codePoint;
    }

    /// <summary>Unicode standard, section 3.12, "Hangul Syllable Decomposition".</summary>
    private static void AppendHangul(int syllable, Span<int> codePoints, ref int count)
    {
        codePoints[count++] = LeadFirst + syllable / VowelTrailCount;
        codePoints[count++] = VowelFirst + syllable % VowelTrailCount / TrailCount;
        int trail = syllable % TrailCount;
        if (trail != 0)
        {
            codePoints[count++] = TrailBeforeFirst + trail;
        }
    }
}
