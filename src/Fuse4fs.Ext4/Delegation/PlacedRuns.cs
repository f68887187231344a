using Fuse4fs.Ext4.Allocation;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>Blocks of a file with a block map that were chosen and told, and are not in the map yet: such maps have no
/// unwritten state, so a number is entered when the data is there. In memory only: after a crash the blocks are free.
/// Sorted by file block; guarded by its owner.</summary>
internal sealed class PlacedRuns
{
    private readonly List<PlacedRun> _runs = [];

    public bool IsEmpty => _runs.Count == 0;

    /// <summary>The run that holds a file block, or the first one behind it.</summary>
    public bool TryFindFrom(ulong fileBlock, out PlacedRun run)
    {
        int at = FirstEndingBehind(fileBlock);
        run = at < _runs.Count ? _runs[at] : default;
        return at < _runs.Count;
    }

    /// <summary>Adds blocks for a part of the file that has none.</summary>
    public void Add(in PlacedRun run) => _runs.Insert(FirstEndingBehind(run.FirstFileBlock), run);

    /// <summary>Takes out the first part of what is placed within a range.</summary>
    /// <returns>False when nothing is.</returns>
    public bool TryTake(ulong first, ulong end, out PlacedRun taken)
    {
        int at = FirstEndingBehind(first);
        if (at >= _runs.Count || _runs[at].FirstFileBlock >= end)
        {
            taken = default;
            return false;
        }
        PlacedRun run = _runs[at];
        _runs.RemoveAt(at);
        ulong from = Math.Max(first, run.FirstFileBlock);
        ulong to = Math.Min(end, run.EndFileBlock);
        if (run.EndFileBlock > to)
        {
            _runs.Insert(at, run.Part(to, run.EndFileBlock));
        }
        if (run.FirstFileBlock < from)
        {
            _runs.Insert(at, run.Part(run.FirstFileBlock, from));
        }
        taken = run.Part(from, to);
        return true;
    }

    private int FirstEndingBehind(ulong fileBlock)
    {
        int low = 0;
        int high = _runs.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_runs[middle].EndFileBlock <= fileBlock)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}
