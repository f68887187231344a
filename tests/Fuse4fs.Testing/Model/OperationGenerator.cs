using System.Globalization;
using Fuse4fs.Testing.Images;

namespace Fuse4fs.Testing.Model;

/// <summary>Draws random operations over few names, so that they often meet what an earlier one made. The same seed
/// gives the same operations everywhere.</summary>
public sealed class OperationGenerator(ulong seed, string directory = "")
{
    private const int Names = 10;
    private const int Directories = 3;
    private const int MostDepth = 3;
    private const int LongestWrite = 70_000;
    private const int MostOffset = 600_000;

    /// <summary>How often each kind is drawn, relative to the others.</summary>
    private static readonly (OperationKind Kind, int Weight)[] s_weights =
    [
        (OperationKind.CreateFile, 12), (OperationKind.CreateExclusive, 6), (OperationKind.MakeDirectory, 7),
        (OperationKind.MakeNode, 2), (OperationKind.MakeSymlink, 4), (OperationKind.Link, 5), (OperationKind.Unlink, 7),
        (OperationKind.RemoveDirectory, 3), (OperationKind.Rename, 10), (OperationKind.Write, 12),
        (OperationKind.Append, 5), (OperationKind.Read, 8), (OperationKind.Truncate, 6), (OperationKind.Allocate, 6),
        (OperationKind.ChangeMode, 3), (OperationKind.ChangeOwner, 3), (OperationKind.ChangeTimes, 2),
        (OperationKind.SetXattr, 6), (OperationKind.GetXattr, 3), (OperationKind.RemoveXattr, 2),
        (OperationKind.ListXattr, 2), (OperationKind.SetAccessList, 2), (OperationKind.Stat, 5),
        (OperationKind.ReadLink, 2), (OperationKind.List, 2), (OperationKind.OpenHandle, 9),
        (OperationKind.WriteHandle, 6), (OperationKind.ReadHandle, 4), (OperationKind.TruncateHandle, 2),
        (OperationKind.SyncHandle, 1), (OperationKind.CloseHandle, 3), (OperationKind.CopyRange, 2),
        (OperationKind.ChangeFlags, 2), (OperationKind.FillDirectory, 1), (OperationKind.EmptyDirectory, 1),
    ];

    private static readonly int s_allWeights = s_weights.Sum(entry => entry.Weight);

    /// <summary>Flags that forbid changes are taken away after so many operations: else little would succeed.</summary>
    private const int FlagsLast = 30;

    private readonly Queue<(long When, Operation Operation)> _later = new();
    private PatternStream _random = new(seed);
    private long _count;

    /// <summary>The next operation.</summary>
    public Operation Next()
    {
        if (_later.TryPeek(out (long When, Operation Operation) due) && due.When <= _count)
        {
            return _later.Dequeue().Operation;
        }
        _count++;
        OperationKind kind = DrawKind();
        bool isDirectory = DrawIsDirectory(kind);
        string other = kind is OperationKind.SetXattr or OperationKind.GetXattr or OperationKind.RemoveXattr
            ? DrawAttribute()
            : DrawPath(isDirectory);
        var operation = new Operation(kind, DrawPath(isDirectory), other,
            _random.Below(OperationExecutor.Handles), DrawOffset(), DrawLength(), (uint)_random.Next());
        if (kind == OperationKind.ChangeFlags)
        {
            _later.Enqueue((_count + FlagsLast, operation with { Number = 0 }));
        }
        return operation;
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

    /// <summary>Whether an operation is meant for directories; some are now and then meant wrongly.</summary>
    private bool DrawIsDirectory(OperationKind kind) => kind switch
    {
        OperationKind.MakeDirectory or OperationKind.List or OperationKind.FillDirectory
            or OperationKind.EmptyDirectory => true,
        OperationKind.RemoveDirectory => _random.Below(4) != 0,
        OperationKind.Rename or OperationKind.Unlink or OperationKind.SetAccessList => _random.Below(5) == 0,
        OperationKind.MakeNode or OperationKind.MakeSymlink or OperationKind.OpenHandle or OperationKind.Link => false,
        _ => _random.Below(15) == 0,
    };

    /// <summary>Directories are d0, d1...; other names are mostly not used for them.</summary>
    private string DrawPath(bool isDirectory)
    {
        string path = directory;
        int depth = _random.Below(MostDepth + 1) * _random.Below(MostDepth + 1) / MostDepth;
        for (; depth > 0; depth--)
        {
            path = Join(path, string.Create(CultureInfo.InvariantCulture, $"d{_random.Below(Directories)}"));
        }
        int number = _random.Below(isDirectory ? Directories : Names);
        string leaf = string.Create(CultureInfo.InvariantCulture, $"{(isDirectory ? 'd' : 'n')}{number}");
        return Join(path, leaf == "n0" ? leaf.PadRight(250, 'x') : leaf);
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
