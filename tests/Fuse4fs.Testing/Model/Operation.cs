using System.Globalization;

namespace Fuse4fs.Testing.Model;

/// <summary>One random operation. What the numbers mean depends on the kind.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Path">Relative to the root of the tree.</param>
/// <param name="Other">A second path, or the name of an attribute.</param>
/// <param name="Handle">A slot of open files.</param>
/// <param name="Offset">In a file, bytes.</param>
/// <param name="Length">Bytes; also a count.</param>
/// <param name="Number">Mode bits, flags, ids; also the seed of contents.</param>
public readonly record struct Operation(
    OperationKind Kind, string Path, string Other, int Handle, long Offset, int Length, uint Number)
{
    /// <summary>For messages of failing tests.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Kind} {Shorten(Path)} {Shorten(Other)} handle {Handle} offset {Offset} length {Length} number {Number:X}");

    private static string Shorten(string name) => name.Length > 60 ? name[..60] + "..." : name;
}
