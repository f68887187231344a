using System.Diagnostics.CodeAnalysis;

namespace Fuse4fs.Ext4.Format;

/// <summary>Damage found while decoding the image; answered as EUCLEAN at one place, above the engine.</summary>
public sealed class Ext4CorruptException(Corruption kind, string where) : Exception($"{kind} in {where}")
{
    /// <summary>Which check failed.</summary>
    public Corruption Kind { get; } = kind;

    /// <summary>Names structure and location; with a checksum also what was expected and found.</summary>
    public string Where { get; } = where;

    /// <summary>Throws; apart so that checking code stays small.</summary>
    [DoesNotReturn]
    public static void Throw(Corruption kind, string where) => throw new Ext4CorruptException(kind, where);
}
