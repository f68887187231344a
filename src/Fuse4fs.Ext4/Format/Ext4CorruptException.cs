using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Damage found while decoding the image; answered as EUCLEAN at one place, above the engine.</summary>
/// <param name="kind">Which check failed.</param>
/// <param name="where">Names structure and location.</param>
/// <param name="function">The function that checked; filled in by the compiler.</param>
/// <param name="line">Its source line; filled in by the compiler.</param>
public sealed class Ext4CorruptException(
    Corruption kind, string where, [CallerMemberName] string function = "", [CallerLineNumber] int line = 0)
    : Exception($"{kind} in {where}")
{
    /// <summary>Which check failed.</summary>
    public Corruption Kind { get; } = kind;

    /// <summary>Names structure and location; with a checksum also what was expected and found.</summary>
    public string Where { get; } = where;

    /// <summary>A checksum did not match: what it covers may be anything.</summary>
    public bool IsChecksum => Kind is Corruption.SuperblockChecksum or Corruption.GroupDescriptorChecksum
        or Corruption.InodeChecksum or Corruption.ExtentChecksum or Corruption.DirectoryChecksum
        or Corruption.XattrChecksum or Corruption.JournalChecksum or Corruption.BitmapChecksum;

    /// <summary>The function that found it, as the superblock remembers it.</summary>
    public string Function { get; } = function;

    /// <summary>The source line that found it, as the superblock remembers it.</summary>
    public int Line { get; } = line;

    /// <summary>The inode it belongs to, where the finder knows it.</summary>
    public InodeNumber Inode { get; init; }

    /// <summary>The block it is in, where the finder knows it.</summary>
    public FsBlock Block { get; init; }

    /// <summary>Throws; apart so that checking code stays small.</summary>
    [DoesNotReturn]
    public static void Throw(
        Corruption kind, string where, [CallerMemberName] string function = "", [CallerLineNumber] int line = 0) =>
        throw new Ext4CorruptException(kind, where, function, line);

    /// <summary>As <see cref="Throw(Corruption,string,string,int)"/>, for damage in a known block of a known inode, or of
    /// none.</summary>
    [DoesNotReturn]
    public static void Throw(
        Corruption kind, string where, InodeNumber inode, FsBlock block, [CallerMemberName] string function = "",
        [CallerLineNumber] int line = 0) =>
        throw new Ext4CorruptException(kind, where, function, line) { Inode = inode, Block = block };
}
