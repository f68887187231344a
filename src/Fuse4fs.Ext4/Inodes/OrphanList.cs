using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Inodes to be finished after a crash: unlinked ones that are still in use, and files whose truncation takes
/// several transactions. On disk in the orphan file where there is one and it has room, else in the list that starts in
/// the superblock and goes on through i_dtime. Docs: ext4/orphan. Kernel: ext4_orphan_add, ext4_orphan_del.</summary>
/// <remarks>Who adds or removes an inode holds its lock exclusively and stores it in the same handle afterwards. The
/// list's lock is taken in the handle. Without a log on disk there is nothing to finish, and only memory
/// knows.</remarks>
internal sealed class OrphanList
{
    /// <summary>Blocks that <see cref="Add"/> changes beside the inode's own: the superblock's or one of the orphan
    /// file.
    /// </summary>
    public const int AddCredits = 1;

    /// <summary>Blocks that <see cref="Remove"/> changes beside the inode's own: the superblock's, the one of the inode
    /// before, or one of the orphan file.</summary>
    public const int RemoveCredits = 1;

    private readonly VolumeContext _context;
    private readonly InodeTable _inodes;
    private readonly OrphanFile? _file;
    private readonly bool _isOnDisk;
    private readonly Lock _gate = new();

    /// <summary>All orphans. Guarded by <see cref="_gate"/>.</summary>
    private readonly Dictionary<uint, Entry> _entries = [];

    /// <summary>The first on the superblock's list. Guarded by <see cref="_gate"/>.</summary>
    private Entry? _head;

    /// <summary>Knows no orphan yet.</summary>
    /// <param name="context">The volume.</param>
    /// <param name="inodes">Stores links between orphans.</param>
    /// <param name="file">The orphan file, when the volume has one.</param>
    /// <param name="isOnDisk">The volume has a journal.</param>
    public OrphanList(VolumeContext context, InodeTable inodes, OrphanFile? file, bool isOnDisk)
    {
        _context = context;
        _inodes = inodes;
        _file = file;
        _isOnDisk = isOnDisk;
    }

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>All of them.</summary>
    public Inode[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _entries.Values.Select(entry => entry.Inode)];
        }
    }

    /// <summary>Whether an inode is among them.</summary>
    public bool Contains(InodeNumber number)
    {
        lock (_gate)
        {
            return _entries.ContainsKey(number.Value);
        }
    }

    /// <summary>Adds an inode, unless it is there already.</summary>
    public void Add(Handle handle, Inode inode)
    {
        if (inode.IsOrphan)
        {
            return;
        }
        inode.IsOrphan = true;
        var entry = new Entry(inode);
        if (_isOnDisk && _file?.TryAdd(handle, inode.Number, out int slot) == true)
        {
            entry.Slot = slot;
            lock (_gate)
            {
                _entries.Add(inode.Number.Value, entry);
            }
            return;
        }
        lock (_gate)
        {
            _entries.Add(inode.Number.Value, entry);
            entry.Next = _head?.Inode.Number ?? InodeNumber.None;
            entry.Behind = _head;
            if (_head is not null)
            {
                _head.Before = entry;
            }
            _head = entry;
            if (_isOnDisk)
            {
                _inodes.StoreNextOrphan(handle, inode, entry.Next.Value);
                StoreHead(handle, inode.Number);
            }
        }
    }

    /// <summary>Removes an inode, if it is there. Its link to the next orphan becomes 0.</summary>
    public void Remove(Handle handle, Inode inode)
    {
        if (!inode.IsOrphan)
        {
            return;
        }
        Entry entry;
        lock (_gate)
        {
            entry = _entries[inode.Number.Value];
            _entries.Remove(inode.Number.Value);
            if (entry.Slot < 0)
            {
                Unlink(handle, entry);
            }
        }
        if (entry.Slot >= 0)
        {
            _file!.Remove(handle, entry.Slot);
        }
        inode.IsOrphan = false;
    }

    /// <summary>Takes over the next of the superblock's list that a crash left, behind those taken over before that are
    /// still there.</summary>
    public void Adopt(Inode inode)
    {
        lock (_gate)
        {
            var entry = new Entry(inode) { Next = new InodeNumber(inode.DeletionTime), Before = Last() };
            if (entry.Before is null)
            {
                _head = entry;
            }
            else
            {
                entry.Before.Behind = entry;
            }
            _entries.Add(inode.Number.Value, entry);
            inode.IsOrphan = true;
        }
    }

    /// <summary>Ends the superblock's list behind the last that was taken over: what comes next is damaged.</summary>
    public void Cut(Handle handle)
    {
        lock (_gate)
        {
            Entry? last = Last();
            if (last is null)
            {
                StoreHead(handle, InodeNumber.None);
                return;
            }
            last.Next = InodeNumber.None;
            _inodes.StoreNextOrphan(handle, last.Inode, 0);
        }
    }

    /// <summary>Takes over an entry of the orphan file that a crash left.</summary>
    public void Adopt(Inode inode, int slot)
    {
        lock (_gate)
        {
            _entries.Add(inode.Number.Value, new Entry(inode) { Slot = slot });
            inode.IsOrphan = true;
        }
    }

    private void StoreHead(Handle handle, InodeNumber number) =>
        SuperblockChange.Apply(_context, handle, (ref Superblock super) => super.LastOrphan = number.Value);

    /// <summary>The end of the superblock's list as far as memory knows it. Under the gate.</summary>
    private Entry? Last()
    {
        Entry? last = _head;
        while (last?.Behind is not null)
        {
            last = last.Behind;
        }
        return last;
    }

    /// <summary>Under the gate.</summary>
    private void Unlink(Handle handle, Entry entry)
    {
        if (entry.Behind is not null)
        {
            entry.Behind.Before = entry.Before;
        }
        if (entry.Before is not null)
        {
            entry.Before.Behind = entry.Behind;
            entry.Before.Next = entry.Next;
        }
        else
        {
            _head = entry.Behind;
        }
        if (!_isOnDisk)
        {
            return;
        }
        if (entry.Before is null)
        {
            StoreHead(handle, entry.Next);
        }
        else
        {
            _inodes.StoreNextOrphan(handle, entry.Before.Inode, entry.Next.Value);
        }
        entry.Inode.DeletionTime = 0;
    }

    /// <summary>One orphan: in a slot of the file, or between two others of the list.</summary>
    private sealed class Entry(Inode inode)
    {
        public Inode Inode { get; } = inode;

        /// <summary>In the orphan file; -1 for none.</summary>
        public int Slot { get; set; } = -1;

        /// <summary>The one on disk behind, also when memory does not know it yet.</summary>
        public InodeNumber Next { get; set; }

        /// <summary>Nearer to the superblock.</summary>
        public Entry? Before { get; set; }

        /// <summary>Farther from the superblock.</summary>
        public Entry? Behind { get; set; }
    }
}
