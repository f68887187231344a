using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>The last few places where listings paused. A caller lists a large directory by many calls, each for a few
/// names, and from any thread: whoever continues need not find, hash and sort the leaf again.</summary>
internal sealed class ListingPositions
{
    private const int MostKept = 16;

    private readonly Lock _gate = new();
    private readonly List<ListingPosition> _kept = [];

    /// <summary>The position that was left at a cookie, or another one, to be begun anew. Nobody else gets it until it
    /// is given back.</summary>
    public ListingPosition Take(Inode directory, ulong cookie)
    {
        lock (_gate)
        {
            int at = FindLast(directory, cookie);
            at = at >= 0 ? at : FindLast(directory: null, cookie: 0);
            if (at < 0 && _kept.Count < MostKept)
            {
                return new ListingPosition();
            }
            at = Math.Max(0, at);
            ListingPosition taken = _kept[at];
            _kept.RemoveAt(at);
            return taken;
        }
    }

    /// <summary>Gives a position back. The one that was longest without use goes first.</summary>
    public void Keep(ListingPosition position)
    {
        lock (_gate)
        {
            if (_kept.Count == MostKept)
            {
                _kept.RemoveAt(0);
            }
            _kept.Add(position);
        }
    }

    private int FindLast(Inode? directory, ulong cookie)
    {
        int at = _kept.Count - 1;
        while (at >= 0 && !_kept[at].IsFor(directory, cookie))
        {
            at--;
        }
        return at;
    }
}
