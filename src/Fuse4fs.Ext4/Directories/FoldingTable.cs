using System.Globalization;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Per code point: combining class, and what it becomes when names are compared without regard to
/// case.</summary>
/// <remarks>Unicode 12.1, the only version ext4 knows (s_encoding 1). Read once from the tracked table that
/// scripts/make-folding-table generates.</remarks>
internal sealed class FoldingTable
{
    private const string ResourceName = "Fuse4fs.Ext4.Directories.Folding-12.1.txt";
    private const int CodePoints = 0x110000;
    private const int PageBits = 8;
    private const int PageSize = 1 << PageBits;

    // An entry: class in bits 0..7; target length + 1 in bits 8..11, 0 for "maps to itself"; from bit 12 where the
    // target starts in _targets.
    private const int LengthShift = 8;
    private const int LengthMask = 15;
    private const int StartShift = 12;

    private static readonly Lazy<FoldingTable> Loaded = new(Load);

    private readonly uint[] _empty = new uint[PageSize];
    private readonly uint[][] _pages = new uint[CodePoints / PageSize][];
    private readonly List<int> _building = [];
    private int[] _targets = [];

    private FoldingTable() => Array.Fill(_pages, _empty);

    /// <summary>The table, read at first use: only volumes with casefolded directories need it.</summary>
    public static FoldingTable Instance => Loaded.Value;

    /// <summary>Canonical combining class: 0 for starters and for everything not assigned in this version.</summary>
    public int ClassOf(int codePoint) => (int)(Entry(codePoint) & 0xFF);

    /// <summary>What the code point becomes, fully expanded. Hangul syllables are not in the table.</summary>
    /// <returns>False when it stays as it is. An empty target means that it is ignored.</returns>
    public bool TryGetTarget(int codePoint, out ReadOnlySpan<int> target)
    {
        uint entry = Entry(codePoint);
        int length = (int)(entry >> LengthShift) & LengthMask;
        if (length == 0)
        {
            target = default;
            return false;
        }
        target = _targets.AsSpan((int)(entry >> StartShift), length - 1);
        return true;
    }

    private uint Entry(int codePoint) => _pages[codePoint >> PageBits][codePoint & (PageSize - 1)];

    private static FoldingTable Load()
    {
        using Stream stream = typeof(FoldingTable).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException($"{ResourceName} is missing from the assembly");
        using var reader = new StreamReader(stream);
        var table = new FoldingTable();
        while (reader.ReadLine() is { } line)
        {
            table.AddLine(line);
        }
        table._targets = [.. table._building];
        return table;
    }

    private void AddLine(string line)
    {
        if (line.StartsWith('#'))
        {
            return;
        }
        string[] fields = line.Split(' ');
        (int first, int last, int stride) = ParseRange(fields[1]);
        for (int codePoint = first; codePoint <= last; codePoint += stride)
        {
            switch (fields[0])
            {
                case "i":
                    Map(codePoint, []);
                    break;
                case "c":
                    Slot(codePoint) |= byte.Parse(fields[2], CultureInfo.InvariantCulture);
                    break;
                case "s":
                    Map(codePoint, [codePoint + int.Parse(fields[2], CultureInfo.InvariantCulture)]);
                    break;
                case "m":
                    Map(codePoint, Array.ConvertAll(fields[2..], ParseHex));
                    break;
                default:
                    throw new FormatException(line);
            }
        }
    }

    private void Map(int codePoint, ReadOnlySpan<int> target)
    {
        Slot(codePoint) |= (uint)(target.Length + 1) << LengthShift | (uint)_building.Count << StartShift;
        _building.AddRange(target);
    }

    private ref uint Slot(int codePoint)
    {
        ref uint[] page = ref _pages[codePoint >> PageBits];
        if (page == _empty)
        {
            page = new uint[PageSize];
        }
        return ref page[codePoint & (PageSize - 1)];
    }

    /// <summary>FIRST, FIRST..LAST or FIRST..LAST/STRIDE, in hexadecimal.</summary>
    private static (int First, int Last, int Stride) ParseRange(string text)
    {
        string[] parts = text.Split('/');
        string[] ends = parts[0].Split("..");
        return (ParseHex(ends[0]), ParseHex(ends[^1]), parts.Length == 1 ? 1 : ParseHex(parts[1]));
    }

    private static int ParseHex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
