using System.Globalization;
using Fuse4fs.Testing.Images;

namespace Fuse4fs.Testing.Model;

/// <summary>Draws random operations over few names, so that they often meet what an earlier one made. The same seed
/// gives the same operations everywhere.</summary>
public sealed class OperationGenerator(ulong seed, string directory = "")
{
    private const int Names = 14;
    private const int Directories = 3;
    private const int MostDepth = 3;
    private const int LongestWrite = 70_000;
    private const int MostOffset = 600_000;

    /// <summary>How often each kind is drawn, relative to the others.</summary>
    private static readonly (OperationKind Kind, int Weight)[] s_weights =
    [
        (OperationKind.CreateFile, 8), (OperationKind.CreateExclusive, 6), (OperationKind.MakeDirectory, 7),
        (OperationKind.MakeNode, 2), (OperationKind.MakeSymlink, 4), (OperationKind.Link, 5), (OperationKind.Unlink, 7),
        (OperationKind.RemoveDirectory, 3), (OperationKind.Rename, 10), (OperationKind.Write, 12),
        (OperationKind.Append, 5), (OperationKind.Read, 8), (OperationKind.Truncate, 6), (OperationKind.Allocate, 6),
        (OperationKind.ChangeMode, 3), (OperationKind.ChangeOwner, 3), (OperationKind.ChangeTimes, 2),
        (OperationKind.SetXattr, 6), (OperationKind.GetXattr, 3), (OperationKind.RemoveXattr, 2),
        (OperationKind.ListXattr, 2), (OperationKind.SetAccessList, 2), (OperationKind.Stat, 5),
        (OperationKind.ReadLink, 2), (OperationKind.List, 2), (OperationKind.OpenHandle, 5),
        (OperationKind.WriteHandle, 6), (OperationKind.ReadHandle, 4), (OperationKind.TruncateHandle, 2),
        (OperationKind.SyncHandle, 1), (OperationKind.CloseHandle, 3), (OperationKind.CopyRange, 2),
        (OperationKind.ChangeFlags, 2), (OperationKind.FillDirectory, 1), (OperationKind.EmptyDirectory, 1),
    ];

    private static readonly int s_allWeights = s_weights.Sum(entry => entry.Weight);

    private PatternStream _random = new(seed);

    /// <summary>The next operation.</summary>
    public Operation Next()
    {
        OperationKind kind = DrawKind();
        return new Operation(
            kind, DrawPath(), kind is OperationKind.SetXattr or OperationKind.GetXattr or OperationKind.RemoveXattr
                ? DrawAttribute()
                : DrawPath(),
            _random.Below(OperationExecutor.Handles), DrawOffset(), DrawLength(), (uint)_random.Next());
    }

    private OperationKind DrawKind()
    {
        int drawn = _random.Below(s_allWeights);
        foreach ((OperationKind kind, int weight) in s_weights)
        {
            drawn -= weight;
            if (drawn < 0)
            {
                return kind;
            }
        }
        return OperationKind.Stat;
    }

    private string DrawPath()
    {
        string path = directory;
        for (int depth = _random.Below(MostDepth + 1); depth > 0; depth--)
        {
            path = Join(path, string.Create(CultureInfo.InvariantCulture, $"d{_random.Below(Directories)}"));
        }
        int number = _random.Below(Names + Directories);
        string leaf = number < Directories
            ? string.Create(CultureInfo.InvariantCulture, $"d{number}")
            : string.Create(CultureInfo.InvariantCulture, $"n{number}");
        return Join(path, number == Names ? leaf.PadRight(250, 'x') : leaf);
    }

    private static string Join(string directory, string name) => directory.Length == 0 ? name : directory + "/" + name;

    private string DrawAttribute()
    {
        string space = _random.Below(4) switch { 0 => "trusted.", 1 => "security.", _ => "user." };
        return space + string.Create(CultureInfo.InvariantCulture, $"a{_random.Below(6)}");
    }

    /// <summary>Often on, or just beside, a boundary of blocks.</summary>
    private long DrawOffset()
    {
        long offset = _random.Below(MostOffset);
        return _random.Below(3) switch
        {
            0 => offset & ~4095L,
            1 => Math.Max(0, (offset & ~1023L) + _random.Below(3) - 1),
            _ => offset,
        };
    }

    private int DrawLength() => _random.Below(4) switch
    {
        0 => _random.Below(200),
        1 => 4096 * (1 + _random.Below(8)),
        _ => 1 + _random.Below(LongestWrite),
    };
}
