using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The map of a file, in order, while ranges are added to it and taken away. A range takes no longer because
/// there are many others: how many there are is for the image to say.</summary>
/// <param name="order">By the first file block.</param>
internal sealed class ExtentList(IComparer<Extent> order)
{
    private readonly SortedSet<Extent> _extents = new(order);

    public ExtentList()
        : this(Comparer<Extent>.Create(static (one, other) => one.FirstFileBlock.CompareTo(other.FirstFileBlock)))
    {
    }

    /// <summary>Ascending, not overlapping.</summary>
    public IReadOnlyCollection<Extent> Extents => _extents;

    /// <summary>First file block behind the last extent; 0 when there is none.</summary>
    public ulong EndFileBlock => _extents.Count == 0 ? 0 : _extents.Max.EndFileBlock;

    /// <summary>Maps a range, whatever it was before.</summary>
    public void Put(in Extent extent)
    {
        Remove(extent.FirstFileBlock, extent.LengthBlocks);
        _extents.Add(extent);
    }

    /// <summary>Makes a hole.</summary>
    public void Remove(uint first, uint count)
    {
        if (count == 0)
        {
            return;
        }
        ulong end = (ulong)first + count;
        uint last = (uint)Math.Min(end - 1, uint.MaxValue);
        while (LastUpTo(last) is { } extent && extent.EndFileBlock > first)
        {
            _extents.Remove(extent);
            if (extent.EndFileBlock > end)
            {
                uint cut = (uint)(end - extent.FirstFileBlock);
                _extents.Add(extent with
                {
                    FirstFileBlock = (uint)end,
                    Start = extent.Start + cut,
                    LengthBlocks = extent.LengthBlocks - cut,
                });
            }
            if (extent.FirstFileBlock < first)
            {
                _extents.Add(extent with { LengthBlocks = first - extent.FirstFileBlock });
            }
        }
    }

    /// <summary>Unmaps everything.</summary>
    public void Clear() => _extents.Clear();

    /// <summary>The device block of a file block.</summary>
    public FsBlock? Find(uint fileBlock) =>
        LastUpTo(fileBlock) is { } extent && fileBlock < extent.EndFileBlock
            ? extent.Start + (fileBlock - extent.FirstFileBlock)
            : null;

    /// <summary>Neighbours joined, as far as an entry on disk can hold them.</summary>
    public List<Extent> Joined()
    {
        var joined = new List<Extent>(_extents.Count);
        foreach (Extent extent in _extents)
        {
            uint limit = (uint)(extent.IsUnwritten
                ? ExtentEntry.MaximumUnwrittenLength
                : ExtentEntry.MaximumWrittenLength);
            if (joined.Count > 0 && joined[^1].IsContinuedBy(in extent)
                && joined[^1].LengthBlocks + extent.LengthBlocks <= limit)
            {
                joined[^1] = joined[^1] with { LengthBlocks = joined[^1].LengthBlocks + extent.LengthBlocks };
            }
            else
            {
                joined.Add(extent);
            }
        }
        return joined;
    }

    /// <summary>The last extent that begins at a file block or before it.</summary>
    private Extent? LastUpTo(uint fileBlock)
    {
        SortedSet<Extent> before = _extents.GetViewBetween(Starting(0), Starting(fileBlock));
        Extent last = before.Max;
        return last.LengthBlocks == 0 ? null : last;
    }

    private static Extent Starting(uint fileBlock) => new(fileBlock, default, 0, IsUnwritten: false);
}
