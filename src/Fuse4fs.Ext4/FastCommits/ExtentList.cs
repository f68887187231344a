using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The map of a file as a sorted list, while ranges are added to it and taken away.</summary>
internal sealed class ExtentList
{
    private readonly List<Extent> _extents = [];

    /// <summary>Ascending, not overlapping.</summary>
    public IReadOnlyList<Extent> Extents => _extents;

    /// <summary>Maps a range, whatever it was before.</summary>
    public void Put(in Extent extent)
    {
        Remove(extent.FirstFileBlock, extent.LengthBlocks);
        uint first = extent.FirstFileBlock;
        int at = _extents.FindIndex(other => other.FirstFileBlock > first);
        _extents.Insert(at < 0 ? _extents.Count : at, extent);
    }

    /// <summary>Makes a hole.</summary>
    public void Remove(uint first, uint count)
    {
        ulong end = (ulong)first + count;
        for (int i = _extents.Count - 1; i >= 0; i--)
        {
            Extent extent = _extents[i];
            if (extent.EndFileBlock <= first)
            {
                break;
            }
            if (extent.FirstFileBlock >= end)
            {
                continue;
            }
            _extents.RemoveAt(i);
            if (extent.EndFileBlock > end)
            {
                uint cut = (uint)(end - extent.FirstFileBlock);
                _extents.Insert(i, extent with
                {
                    FirstFileBlock = (uint)end,
                    Start = extent.Start + cut,
                    LengthBlocks = extent.LengthBlocks - cut,
                });
            }
            if (extent.FirstFileBlock < first)
            {
                _extents.Insert(i, extent with { LengthBlocks = first - extent.FirstFileBlock });
            }
        }
    }

    /// <summary>Unmaps everything.</summary>
    public void Clear() => _extents.Clear();

    /// <summary>Adds a range behind all others.</summary>
    public void Append(in Extent extent) => _extents.Add(extent);

    /// <summary>The device block of a file block.</summary>
    public FsBlock? Find(uint fileBlock)
    {
        foreach (Extent extent in _extents)
        {
            if (extent.FirstFileBlock <= fileBlock && fileBlock < extent.EndFileBlock)
            {
                return extent.Start + (fileBlock - extent.FirstFileBlock);
            }
        }
        return null;
    }

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
}
