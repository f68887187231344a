using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>How many attributes refer to inodes that hold values, as one edit changes it. Docs: ext4/eainode.</summary>
/// <remarks>The count is kept in i_ctime (upper half) and i_version. Counts, and nothing else of these inodes, are
/// guarded by the lock of shared blocks: their owners' locks are several.</remarks>
internal sealed class ValueReferences(InodeTable inodes, OrphanList orphans, Lock gate) : IDisposable
{
    private readonly List<(InodeReference Value, int Difference)> _changes = [];
    private readonly List<InodeReference> _ofOldBlock = [];

    /// <summary>Values that nobody refers to any more: orphans, to be removed when all locks are given back.</summary>
    public List<InodeNumber> Orphaned { get; } = [];

    /// <summary>Blocks that applying changes at most.</summary>
    public int Credits => (_changes.Count + _ofOldBlock.Count) * (inodes.StoreCredits + OrphanList.AddCredits);

    /// <summary>Plans a change.</summary>
    /// <exception cref="Ext4CorruptException">The inode is not in use, or holds no value.</exception>
    public void Add(InodeNumber number, int difference) => _changes.Add((Acquire(number), difference));

    /// <summary>Plans what a shared block's values lose if its other users go before the change is made.</summary>
    /// <exception cref="Ext4CorruptException">The inode is not in use, or holds no value.</exception>
    public void AddOfOldBlock(InodeNumber number) => _ofOldBlock.Add(Acquire(number));

    /// <summary>Makes the changes.</summary>
    /// <param name="handle">Has the credits.</param>
    /// <param name="isOldBlockFreed">The shared block had no other user any more.</param>
    public void Apply(Handle handle, bool isOldBlockFreed)
    {
        foreach ((InodeReference value, int difference) in _changes)
        {
            Change(handle, value.Inode, difference);
        }
        foreach (InodeReference value in _ofOldBlock)
        {
            if (isOldBlockFreed)
            {
                Change(handle, value.Inode, -1);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((InodeReference value, _) in _changes)
        {
            value.Dispose();
        }
        foreach (InodeReference value in _ofOldBlock)
        {
            value.Dispose();
        }
        _changes.Clear();
        _ofOldBlock.Clear();
    }

    private void Change(Handle handle, Inode value, int difference)
    {
        bool isLast;
        lock (gate)
        {
            ulong count = ((ulong)unchecked((uint)value.ChangeTime.Seconds) << 32) | (value.Version & uint.MaxValue);
            count = difference < 0 ? count - Math.Min(count, 1) : count + 1;
            isLast = count == 0 && value.LinkCount > 0;
            value.LinkCount = isLast ? (ushort)0 : value.LinkCount;
            value.Version = count & uint.MaxValue;
            value.ChangeTime = new Timestamp(unchecked((int)(count >> 32)), 0);
            inodes.Store(handle, value);
        }
        if (isLast)
        {
            // Its lock comes before that of the shared blocks.
            orphans.Add(handle, value);
            Orphaned.Add(value.Number);
        }
    }

    private InodeReference Acquire(InodeNumber number)
    {
        if (inodes.Acquire(number, InodeAccess.XattrValue, out InodeReference value) != Errno.Ok)
        {
            Ext4CorruptException.Throw(Corruption.XattrValueInode, $"inode {number}: an attribute's value, not in use");
        }
        return value;
    }
}
