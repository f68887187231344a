using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Where a listing stands: the names of the leaf it has come to, in the order of their keys, and the way to that
/// leaf. Kept between calls by <see cref="ListingPositions"/>, because callers take a directory in small parts.</summary>
internal sealed class ListingPosition
{
    /// <summary>Names that share a hash over many leaves are ordered together; more than this is damage.</summary>
    private const int MaximumEntries = 1 << 17;

    /// <summary>More is not kept: an ordinary leaf has fewer.</summary>
    private const int MaximumKept = 1 << 13;

    private ulong[] _keys = new ulong[256];
    private ulong[] _places = new ulong[256];

    /// <summary>Names held.</summary>
    public int Count { get; private set; }

    /// <summary>Entries the sink took in this call.</summary>
    public int Listed { get; set; }

    /// <summary>Continues behind the last entry the sink took.</summary>
    public ulong Cookie { get; set; }

    /// <summary>The names held are those to go on with: see <see cref="Path"/> and what follows.</summary>
    public bool IsAtLeaf { get; set; }

    /// <summary>At the leaf, in an indexed directory.</summary>
    public HashTreePath Path;

    /// <summary>No leaf follows.</summary>
    public bool IsLastLeaf { get; set; }

    /// <summary>What the index says of the next leaf.</summary>
    public uint NextHash { get; set; }

    /// <summary>Keys from here on wait for their equals in the next leaf.</summary>
    public ulong Ready { get; set; }

    /// <summary>Leaves that may follow; an index that has more repeats itself.</summary>
    public uint RemainingLeaves { get; set; }

    /// <summary>Whose listing it is; null for nobody's.</summary>
    private Inode? _directory;
    private uint _holds;

    /// <summary>Begins a call.</summary>
    /// <returns>False when what is held does not continue at the cookie, or the directory has changed since: then
    /// nothing is held.</returns>
    public bool Resume(Inode directory, ulong cookie)
    {
        Listed = 0;
        if (IsAtLeaf && IsFor(directory, cookie) && directory.Lock.ExclusiveHolds == _holds)
        {
            return true;
        }
        IsAtLeaf = false;
        Count = 0;
        _directory = directory;
        Cookie = cookie;
        return false;
    }

    /// <summary>Ends a call: remembers the state of the directory that belongs to what is held.</summary>
    public void Pause(Inode directory)
    {
        _holds = directory.Lock.ExclusiveHolds;
        IsAtLeaf &= _keys.Length <= MaximumKept;
        if (!IsAtLeaf)
        {
            (_directory, Cookie) = (null, 0);
        }
        if (_keys.Length > MaximumKept)
        {
            _keys = new ulong[256];
            _places = new ulong[256];
        }
    }

    /// <summary>Whether it was left there; null and 0 for one that nobody may continue.</summary>
    public bool IsFor(Inode? directory, ulong cookie) => ReferenceEquals(_directory, directory) && Cookie == cookie;

    /// <summary>The key of an entry.</summary>
    public ulong KeyAt(int index) => _keys[index];

    /// <summary>Where an entry's record is.</summary>
    public (uint FileBlock, int Offset) PlaceAt(int index) =>
        ((uint)(_places[index] >> 32), (int)(_places[index] & uint.MaxValue));

    /// <summary>Adds a name.</summary>
    /// <exception cref="Ext4CorruptException">Too many share a hash.</exception>
    public void Add(ulong key, uint fileBlock, int offset)
    {
        if (Count == _keys.Length)
        {
            if (Count >= MaximumEntries)
            {
                Ext4CorruptException.Throw(Corruption.HashTreeNode, $"directory index: {Count} names of one hash");
            }
            Array.Resize(ref _keys, 2 * Count);
            Array.Resize(ref _places, 2 * Count);
        }
        _keys[Count] = key;
        _places[Count] = ((ulong)fileBlock << 32) | (uint)offset;
        Count++;
    }

    /// <summary>Orders by key, equal keys by place.</summary>
    public void Sort()
    {
        Array.Sort(_keys, _places, 0, Count);
        for (int first = 0; first < Count;)
        {
            int end = EndOfTies(first);
            Array.Sort(_places, first, end - first);
            first = end;
        }
    }

    /// <summary>Behind the entries that share a key.</summary>
    public int EndOfTies(int first)
    {
        int end = first + 1;
        while (end < Count && _keys[end] == _keys[first])
        {
            end++;
        }
        return end;
    }

    /// <summary>Exchanges two entries of one key.</summary>
    public void Swap(int left, int right) => (_places[left], _places[right]) = (_places[right], _places[left]);

    /// <summary>Forgets the first entries.</summary>
    public void RemoveFirst(int count)
    {
        _keys.AsSpan(count, Count - count).CopyTo(_keys);
        _places.AsSpan(count, Count - count).CopyTo(_places);
        Count -= count;
    }
}
