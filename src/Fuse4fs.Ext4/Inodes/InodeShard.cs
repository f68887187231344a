using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>A part of the inode table with a lock of its own. Evicts by second chance (CLOCK).</summary>
internal sealed class InodeShard(InodeTable owner, int capacity)
{
    private const int StepsPerEviction = 64;

    /// <summary>Unreferenced inodes that may keep a long map: bounds their memory.</summary>
    private const int KeptLongMaps = 32;

    private readonly Lock _gate = new();

    /// <summary>Where each object is in <see cref="_ring"/>.</summary>
    private readonly Dictionary<uint, int> _places = [];
    private readonly List<Inode> _ring = [];
    private readonly Inode?[] _longMaps = new Inode?[KeptLongMaps];
    private int _hand;
    private int _longMapsHand;

    /// <summary>The newest changes of inodes that were evicted: whoever loads one again may have to sync them.</summary>
    private uint _evictedTransaction;
    private long _evictedTicket = -1;
    private bool _hasEvictedChanges;

    /// <summary>The object of a number with one more reference, or null.</summary>
    public Inode? Find(InodeNumber number)
    {
        lock (_gate)
        {
            if (!_places.TryGetValue(number.Value, out int place))
            {
                return null;
            }
            Inode inode = _ring[place];
            inode.References++;
            inode.WasUsed = true;
            return inode;
        }
    }

    /// <summary>Adds an object with one reference, unless another thread did so meanwhile: then that one is given.</summary>
    public Inode Add(Inode fresh)
    {
        lock (_gate)
        {
            if (_places.TryGetValue(fresh.Number.Value, out int place))
            {
                _ring[place].References++;
                return _ring[place];
            }
            if (_hasEvictedChanges)
            {
                fresh.LastTransaction = _evictedTransaction;
                fresh.LastDataTransaction = _evictedTransaction;
            }
            fresh.RaiseDataTicket(_evictedTicket);
            Insert(fresh);
            return fresh;
        }
    }

    /// <summary>Adds an object with one reference in place of any other of its number.</summary>
    public void Replace(Inode fresh)
    {
        lock (_gate)
        {
            if (_places.TryGetValue(fresh.Number.Value, out int place))
            {
                _ring[place].IsDetached = true;
                Remove(place);
            }
            Insert(fresh);
        }
    }

    public void AddReference(Inode inode)
    {
        lock (_gate)
        {
            inode.References++;
        }
    }

    /// <summary>The number's object is no longer this one.</summary>
    public void Detach(Inode inode)
    {
        lock (_gate)
        {
            if (!inode.IsDetached)
            {
                inode.IsDetached = true;
                Remove(_places[inode.Number.Value]);
            }
        }
    }

    public void Release(Inode inode)
    {
        lock (_gate)
        {
            inode.References--;
            if (inode.References > 0 || inode.IsDetached)
            {
                return;
            }
            if (!inode.IsLoaded || (inode.LinkCount == 0 && !inode.IsOrphan))
            {
                inode.IsDetached = true;
                Remove(_places[inode.Number.Value]);
            }
            else if (inode.Map.IsLong && !inode.KeepsLongMap)
            {
                KeepLongMap(inode);
            }
        }
    }

    /// <summary>Requests come and go: a map that was just read is worth keeping until newer ones take its place.</summary>
    private void KeepLongMap(Inode inode)
    {
        if (_longMaps[_longMapsHand] is { } oldest)
        {
            oldest.KeepsLongMap = false;
            oldest.Map.Trim();
        }
        inode.KeepsLongMap = true;
        _longMaps[_longMapsHand] = inode;
        _longMapsHand = (_longMapsHand + 1) % KeptLongMaps;
    }

    private void Insert(Inode inode)
    {
        if (_ring.Count >= capacity)
        {
            EvictOne();
        }
        inode.References++;
        inode.WasUsed = true;
        _places.Add(inode.Number.Value, _ring.Count);
        _ring.Add(inode);
    }

    /// <summary>Evicts at most two, so that a table that outgrew its bound while everything was referenced shrinks
    /// again; gives up after some steps, as all may be referenced.</summary>
    private void EvictOne()
    {
        int evicted = 0;
        for (int steps = 0; steps < StepsPerEviction && evicted < 2 && _ring.Count >= capacity; steps++)
        {
            _hand = _hand < _ring.Count ? _hand : 0;
            Inode candidate = _ring[_hand];
            if (candidate.References > 0 || candidate.IsOrphan)
            {
                _hand++;
            }
            else if (candidate.WasUsed)
            {
                candidate.WasUsed = false;
                _hand++;
            }
            else
            {
                candidate.IsDetached = true;
                RememberChanges(candidate);
                Remove(_hand);
                evicted++;
            }
        }
    }

    private void RememberChanges(Inode evicted)
    {
        owner.Evicting?.Invoke(evicted);
        _evictedTicket = Math.Max(_evictedTicket, evicted.DataTicket);
        if (evicted.WasChanged
            && (!_hasEvictedChanges || TransactionId.IsAfter(evicted.LastTransaction, _evictedTransaction)))
        {
            _evictedTransaction = evicted.LastTransaction;
            _hasEvictedChanges = true;
        }
    }

    private void Remove(int place)
    {
        _places.Remove(_ring[place].Number.Value);
        int last = _ring.Count - 1;
        if (place != last)
        {
            _ring[place] = _ring[last];
            _places[_ring[place].Number.Value] = place;
        }
        _ring.RemoveAt(last);
    }
}
