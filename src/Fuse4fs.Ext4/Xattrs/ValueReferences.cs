using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>How many attributes refer to inodes that hold values, as one operation changes it. Docs: ext4/eainode. Kernel:
/// ext4_xattr_inode_update_ref.</summary>
/// <remarks>The count is kept in i_ctime (upper half) and i_version. Counts, and nothing else of these inodes, are
/// guarded by a lock of their own: their owners' locks are several. An inode without references is an orphan; a reference
/// takes it off the list again.</remarks>
internal sealed class ValueReferences(InodeTable inodes, OrphanList orphans, XattrReader reader) : IDisposable
{
    private readonly Dictionary<uint, Change> _changes = [];

    /// <summary>Values that nobody refers to any more: to be removed when all locks are given back.</summary>
    public List<InodeNumber> Orphaned { get; } = [];

    /// <summary>Blocks that applying changes at most.</summary>
    public int Credits =>
        _changes.Count * (inodes.StoreCredits + OrphanList.AddCredits + OrphanList.RemoveCredits);

    /// <summary>Plans changes that are made in any case.</summary>
    /// <exception cref="Ext4CorruptException">The inode is not in use, or holds no value.</exception>
    public void Add(InodeNumber number, int difference) => ChangeOf(number).Always += difference;

    /// <summary>Plans what a value gains if a block that refers to it is written, rather than one shared.</summary>
    /// <exception cref="Ext4CorruptException">The inode is not in use, or holds no value.</exception>
    public void AddIfWritten(InodeNumber number) => ChangeOf(number).IfWritten++;

    /// <summary>Plans what a value loses if the old block that refers to it is freed or overwritten, rather than left to
    /// others.</summary>
    /// <exception cref="Ext4CorruptException">The inode is not in use, or holds no value.</exception>
    public void DropIfGone(InodeNumber number) => ChangeOf(number).IfGone--;

    /// <summary>Makes the changes.</summary>
    /// <param name="handle">Has the credits.</param>
    /// <param name="isBlockWritten">A block was written, in its place or a new one.</param>
    /// <param name="isOldBlockGone">The old block has no user any more, or was overwritten.</param>
    public void Apply(Handle handle, bool isBlockWritten, bool isOldBlockGone)
    {
        foreach (Change change in _changes.Values)
        {
            int difference = change.Always + (isBlockWritten ? change.IfWritten : 0)
                + (isOldBlockGone ? change.IfGone : 0);
            if (difference != 0)
            {
                Count(handle, change.Value.Inode, difference);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Change change in _changes.Values)
        {
            change.Value.Dispose();
        }
        _changes.Clear();
    }

    private void Count(Handle handle, Inode value, int difference)
    {
        lock (reader.ValueCounts)
        {
            ulong count = ((ulong)unchecked((uint)value.ChangeTime.Seconds) << 32) | (value.Version & uint.MaxValue);
            count = difference < 0 ? count - Math.Min(count, (ulong)-difference) : count + (ulong)difference;
            value.Version = count & uint.MaxValue;
            value.ChangeTime = new Timestamp(unchecked((int)(count >> 32)), 0);
            if (count == 0)
            {
                value.LinkCount = 0;
                orphans.Add(handle, value);
                Orphaned.Add(value.Number);
                reader.KnownValues.Remove(unchecked((uint)value.AccessTime.Seconds), value.Number.Value);
            }
            else if (value.LinkCount == 0)
            {
                value.LinkCount = 1;
                orphans.Remove(handle, value);
            }
            inodes.Store(handle, value);
        }
    }

    private Change ChangeOf(InodeNumber number)
    {
        if (_changes.TryGetValue(number.Value, out Change? change))
        {
            return change;
        }
        const InodeAccess access = InodeAccess.XattrValue | InodeAccess.EvenUnlinked;
        if (inodes.Acquire(number, access, out InodeReference value) != Errno.Ok)
        {
            Ext4CorruptException.Throw(Corruption.XattrValueInode, $"inode {number}: an attribute's value, not in use");
        }
        change = new Change(value);
        _changes.Add(number.Value, change);
        return change;
    }

    private sealed class Change(InodeReference value)
    {
        public InodeReference Value { get; } = value;

        public int Always { get; set; }

        public int IfWritten { get; set; }

        public int IfGone { get; set; }
    }
}
