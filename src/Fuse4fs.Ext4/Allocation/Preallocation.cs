using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Space kept ahead of a file's writers, in memory only: each window ties clusters of the file that are still
/// holes to neighbouring clusters on the device, so that files growing at the same time do not cut each other up.
/// One per inode that is open for writing; thread-safe.</summary>
/// <remarks>Given back by <see cref="BlockAllocator.ReleaseWindows(Preallocation)"/>, at the latest when the last
/// writer closes; taken away when space runs short.</remarks>
public sealed class Preallocation
{
    /// <summary>One for each place of a file that somebody appends at; the oldest makes room.</summary>
    private const int MaximumWindows = 64;

    private readonly Lock _gate = new();
    private readonly List<Window> _windows = [];
    private readonly List<FsBlock> _frontiers = [];
    private readonly uint _blocksPerCluster;

    internal Preallocation(int clusterShift) => _blocksPerCluster = 1u << clusterShift;

    /// <summary>Known to the allocator as having windows. Guarded by the allocator's list.</summary>
    internal bool IsListed { get; set; }

    /// <summary>Clusters of the file to allocate at once from here: stops short of the next window.</summary>
    internal uint Limit(uint fileCluster, uint wanted)
    {
        lock (_gate)
        {
            foreach (Window window in _windows)
            {
                if (window.FileCluster > fileCluster && window.FileCluster - fileCluster < wanted)
                {
                    wanted = window.FileCluster - fileCluster;
                }
            }
            return wanted;
        }
    }

    /// <summary>Takes space kept for a place in the file. What is left before and behind stays kept.</summary>
    internal bool TryTake(uint fileCluster, uint wanted, out BlockRun run)
    {
        lock (_gate)
        {
            for (int i = 0; i < _windows.Count; i++)
            {
                Window window = _windows[i];
                if (fileCluster < window.FileCluster || fileCluster - window.FileCluster >= window.Clusters)
                {
                    continue;
                }
                uint before = fileCluster - window.FileCluster;
                uint taken = Math.Min(wanted, window.Clusters - before);
                FsBlock start = window.Start + ((ulong)before * _blocksPerCluster);
                run = new BlockRun(start, taken * _blocksPerCluster);
                _windows.RemoveAt(i);
                uint behind = window.Clusters - before - taken;
                if (before > 0)
                {
                    _windows.Add(window with { Clusters = before });
                }
                if (behind > 0)
                {
                    _windows.Add(new Window(fileCluster + taken, run.End, behind));
                }
                return true;
            }
        }
        run = default;
        return false;
    }

    /// <summary>Keeps space for a place in the file.</summary>
    /// <returns>Space no longer kept, which made room; empty when there was room.</returns>
    internal BlockRun Keep(uint fileCluster, BlockRun run)
    {
        lock (_gate)
        {
            BlockRun evicted = default;
            if (_windows.Count >= MaximumWindows)
            {
                evicted = RunOf(_windows[0]);
                _windows.RemoveAt(0);
            }
            _windows.Add(new Window(fileCluster, run.Start, run.LengthBlocks / _blocksPerCluster));
            return evicted;
        }
    }

    /// <summary>The file has grown up to a block: there it will go on.</summary>
    /// <param name="from">Where it went on from, if that was one of its ends.</param>
    /// <param name="to">The block behind the last one that was taken.</param>
    /// <returns>An end given up for it: that one, or the oldest when there are too many; 0 for none.</returns>
    internal FsBlock MoveFrontier(FsBlock from, FsBlock to)
    {
        lock (_gate)
        {
            FsBlock gone = default;
            if (_frontiers.Remove(from))
            {
                gone = from;
            }
            else if (_frontiers.Count >= MaximumWindows)
            {
                gone = _frontiers[0];
                _frontiers.RemoveAt(0);
            }
            _frontiers.Add(to);
            return gone;
        }
    }

    /// <summary>Forgets where the file was growing.</summary>
    /// <returns>The ends there were.</returns>
    internal FsBlock[] TakeFrontiers()
    {
        lock (_gate)
        {
            FsBlock[] all = [.. _frontiers];
            _frontiers.Clear();
            return all;
        }
    }

    /// <summary>Empties it.</summary>
    /// <returns>What was kept.</returns>
    internal List<BlockRun> TakeAll()
    {
        lock (_gate)
        {
            List<BlockRun> all = _windows.ConvertAll(RunOf);
            _windows.Clear();
            return all;
        }
    }

    private BlockRun RunOf(Window window) => new(window.Start, window.Clusters * _blocksPerCluster);

    private readonly record struct Window(uint FileCluster, FsBlock Start, uint Clusters);
}
