using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>The exclusive locks of the few inodes that one operation changes. Waiting happens in the order of the inodes'
/// numbers alone, whatever the image says of who is above whom: an entry may name any inode, and two threads that
/// followed such names could otherwise wait for each other for ever.</summary>
/// <remarks>Whoever learns of an inode while he holds others tries to add it. When that fails he disposes this, takes a
/// new one for all of them, and looks again: what he had read may have changed meanwhile. He keeps his references until
/// the locks are given back.</remarks>
internal ref struct InodeLocks
{
    private const int Most = 4;

    private Slots _held;
    private int _count;

    /// <summary>Waits for all of the inodes that there are; one that is named twice is locked once.</summary>
    public InodeLocks(Inode first, Inode? second = null, Inode? third = null, Inode? fourth = null)
    {
        Enter(first);
        Enter(second);
        Enter(third);
        Enter(fourth);
        Span<Inode?> all = ((Span<Inode?>)_held)[.._count];
        all.Sort(static (left, right) => left!.Number.Value.CompareTo(right!.Number.Value));
        foreach (Inode? inode in all)
        {
            // Dispose gives this back; nothing in between can throw.
            _ = inode!.Lock.Exclusive();
        }
    }

    /// <summary>Locks one more, waiting only where that follows the order.</summary>
    /// <param name="inode">Null for none.</param>
    /// <returns>False when it is locked by somebody else, or too many are held; what is held is still held.</returns>
    public bool TryAdd(Inode? inode)
    {
        if (inode is null || Holds(inode))
        {
            return true;
        }
        if (_count == Most)
        {
            return false;   // what the names referred to at the last try is in the way: they refer to something else now
        }
        if (IsBehindAll(inode))
        {
            _ = inode.Lock.Exclusive();
        }
        else if (!inode.Lock.TryExclusive(out _))
        {
            return false;
        }
        _held[_count++] = inode;
        return true;
    }

    /// <summary>Gives all of them back.</summary>
    public void Dispose()
    {
        while (_count > 0)
        {
            _held[--_count]!.Lock.LeaveExclusive();
        }
    }

    private void Enter(Inode? inode)
    {
        if (inode is not null && !Holds(inode))
        {
            _held[_count++] = inode;
        }
    }

    private readonly bool Holds(Inode inode)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_held[i] == inode)
            {
                return true;
            }
        }
        return false;
    }

    private readonly bool IsBehindAll(Inode inode)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_held[i]!.Number.Value >= inode.Number.Value)
            {
                return false;
            }
        }
        return true;
    }

    [InlineArray(Most)]
    private struct Slots
    {
        private Inode? _first;
    }
}
