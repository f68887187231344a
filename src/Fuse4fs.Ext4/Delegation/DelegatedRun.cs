using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>A stretch of a file, the map and what is only in memory taken together.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="First">First file block.</param>
/// <param name="End">First file block behind it.</param>
/// <param name="Start">First block on the device; 0 without blocks.</param>
/// <param name="IsPlaced">Its blocks are not in the map yet.</param>
internal readonly record struct DelegatedRun(
    DelegatedKind Kind, ulong First, ulong End, FsBlock Start, bool IsPlaced = false)
{
    /// <summary>The device block of a file block inside.</summary>
    public FsBlock BlockAt(ulong fileBlock) => Start + (fileBlock - First);

    /// <summary>The part up to a file block.</summary>
    public DelegatedRun Until(ulong end) => this with { End = Math.Min(End, end) };

    /// <summary>The part from a file block on.</summary>
    public DelegatedRun From(ulong first) => first <= First
        ? this
        : this with { First = first, Start = Start.Value == 0 ? default : BlockAt(first) };
}
