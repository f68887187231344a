using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Hands out inode numbers and takes them back, as <see cref="BlockAllocator"/> does with blocks: reserved in
/// memory first, committed or freed in a handle, reused only after the freeing commit is durable.</summary>
/// <remarks>Thread-safe. Numbers are freed by whoever knows that nobody refers to the inode any more.</remarks>
public sealed class InodeAllocator
{
    /// <summary>Blocks that <see cref="Commit"/> changes: inode bitmap, descriptor, inode table, and the block bitmap
    /// of a group that was never used.</summary>
    public const int CommitCredits = 4;

    /// <summary>Blocks that <see cref="Free"/> changes: inode bitmap and descriptor.</summary>
    public const int FreeCredits = 2;

    private const byte SomeFree = 1;

    private readonly VolumeContext _context;
    private readonly Geometry _geometry;
    private readonly GroupTable _groups;
    private readonly FreeCounter _counter;
    private readonly MapBudget _budget;
    private readonly InodeMaps _maps;
    private readonly GroupIndex _index;
    private readonly InodePlacement _placement;
    private readonly InodeTableZeroing _zeroing;
    private readonly BlockAllocator _blocks;
    private readonly FreedSpace _freed;
    private long _returns;

    internal InodeAllocator(SpaceParts parts, BlockAllocator blocks, InodeTableZeroing zeroing, FreedSpace freed)
    {
        _context = parts.Context;
        _geometry = parts.Context.Geometry;
        _groups = parts.Groups;
        _counter = parts.Inodes;
        _budget = parts.Budget;
        _maps = new InodeMaps(parts.Context, parts.Groups, parts.Budget);
        _index = new GroupIndex(_geometry.GroupCount);
        _placement = new InodePlacement(parts);
        _zeroing = zeroing;
        _blocks = blocks;
        _freed = freed;
    }

    /// <summary>Inodes that are free, or will be when a commit is durable.</summary>
    public uint FreeInodes => (uint)Math.Min(_counter.Shown, _geometry.InodeCount);

    /// <summary>Reserves a number, reads what committing it will change, and zeroes its place in the table when it was
    /// never used. Called with no handle open.</summary>
    /// <param name="parent">The directory the inode will be in.</param>
    /// <param name="isDirectory">What it will be.</param>
    /// <param name="isTop">A directory whose parent is the root or has the flag of a hierarchy's top.</param>
    /// <param name="reservation">Valid only with Ok.</param>
    /// <returns>Ok, or NoSpace. Inodes freed lately may help: see <see cref="FreedSpace.TryReclaim"/>.</returns>
    /// <exception cref="DeviceException">The inode table cannot be read.</exception>
    public Errno Reserve(InodeNumber parent, bool isDirectory, bool isTop, out InodeReservation reservation)
    {
        reservation = default;
        if (_counter.Claim(1, 0) == 0)
        {
            return Errno.NoSpace;
        }
        GroupNumber chosen = _placement.Choose(parent, isDirectory, isTop);
        long returns;
        do
        {
            returns = Volatile.Read(ref _returns);
            if (TryTakeFrom(chosen, out InodeNumber number))
            {
                GroupNumber group = _geometry.GroupOf(number);
                if (group != chosen)
                {
                    _placement.Remember(parent, group);
                }
                reservation = new InodeReservation(number, NewGeneration(), isDirectory);
                Prepare(reservation);
                _budget.Trim();
                return Errno.Ok;
            }
        }
        while (returns != Volatile.Read(ref _returns));
        _counter.Cancel(1);
        return Errno.NoSpace;
    }

    /// <summary>Gives back a reservation that will not be committed.</summary>
    public void Cancel(InodeReservation reservation)
    {
        GiveBack(reservation.Number);
        _counter.Cancel(1);
    }

    /// <summary>Makes the inode used on disk: whoever creates the inode stores it in the same handle.</summary>
    public void Commit(Handle handle, InodeReservation reservation)
    {
        GroupNumber group = _geometry.GroupOf(reservation.Number);
        int bit = (int)_geometry.IndexInGroup(reservation.Number);
        lock (_groups.Gate(group))
        {
            using GroupLease descriptor = _groups.Change(handle, group);
            GroupDescriptorView view = descriptor.View;
            bool isFirst = _groups.FlagsOf(descriptor).HasFlag(GroupFlags.InodesUninitialized);
            using BlockLease bitmap = isFirst ? handle.Create(view.InodeBitmap) : handle.Update(view.InodeBitmap);
            var bits = new BitmapView(bitmap.Bytes);
            if (isFirst)
            {
                FillUninitialized(bitmap);
            }
            if (bits[bit])
            {
                Ext4CorruptException.Throw(Corruption.BitmapContents,
                    $"inode bitmap of group {group}: {reservation.Number} was free in memory and is used on disk");
            }
            bits.Set(bit, 1);
            if (_geometry.HasGroupChecksums)
            {
                InitializeBlocks(handle, descriptor);
                GrowUsedPart(view, bit, isFirst);
            }
            ChangeCounts(descriptor, bitmap, -1, reservation.IsDirectory ? 1 : 0);
            _groups.State(group).Held--;
            _counter.Commit(1);
        }
    }

    /// <summary>Reads what freeing a number will need, so that damage is found before a handle is open.</summary>
    /// <exception cref="Ext4CorruptException">The number is reserved, impossible or free already.</exception>
    public void PrepareFree(InodeNumber number)
    {
        if (!MayFree(number))
        {
            throw NotInUse(number);
        }
        GroupNumber group = _geometry.GroupOf(number);
        if (!TryLoad(group))
        {
            return;
        }
        using GroupLease descriptor = _groups.Open(group);
        using BlockLease bitmap = _context.Cache.Read(descriptor.View.InodeBitmap);
        lock (_groups.Gate(group))
        {
            if (!new BitmapView(bitmap.Bytes)[(int)_geometry.IndexInGroup(number)])
            {
                throw NotInUse(number);
            }
        }
    }

    /// <summary>Frees a number on disk in the handle. It is handed out again only when the commit is durable.</summary>
    /// <remarks>Throws nothing, which would abort the journal: what must not be freed is reported and left as it is.
    /// </remarks>
    public void Free(Handle handle, InodeNumber number, bool isDirectory)
    {
        bool isFreed = MayFree(number);
        GroupNumber group = isFreed ? _geometry.GroupOf(number) : default;
        while (isFreed && TryLoad(group))
        {
            lock (_groups.Gate(group))
            {
                GroupState state = _groups.State(group);
                if (state.Inodes is not null)
                {
                    isFreed = FreeLoaded(handle, group, state, number, isDirectory);
                    break;
                }
            }
        }
        if (!isFreed)
        {
            _context.Events.Damage(NotInUse(number), number);
        }
    }

    /// <summary>What a batch of freed space returns. Called by <see cref="FreedSpace"/> alone.</summary>
    internal void Return(InodeNumber number)
    {
        GiveBack(number);
        _counter.EndReturn(1);
    }

    /// <summary>Random, and not what a lazy reader takes for none.</summary>
    private static uint NewGeneration() => (uint)Random.Shared.NextInt64(1, uint.MaxValue);

    private bool TryTakeFrom(GroupNumber chosen, out InodeNumber number) =>
        TryTakeBetween(chosen.Value, _geometry.GroupCount, out number) || TryTakeBetween(0, chosen.Value, out number);

    private bool TryTakeBetween(uint from, uint end, out InodeNumber number)
    {
        while (from < end && _index.TryFind(from, end, SomeFree, out GroupNumber group))
        {
            from = group.Value + 1;
            if (MayHold(group) && TryLoad(group) && TryTakeIn(group, out number))
            {
                return true;
            }
        }
        number = default;
        return false;
    }

    /// <summary>Asks the descriptor before the bitmap is read.</summary>
    private bool MayHold(GroupNumber group)
    {
        if (_index[group] != GroupIndex.Unknown)
        {
            return true;
        }
        try
        {
            using GroupLease descriptor = _groups.Open(group);
            lock (_groups.Gate(group))
            {
                _index[group] = descriptor.View.FreeInodes > 0 ? SomeFree : (byte)0;
                return descriptor.View.FreeInodes > 0;
            }
        }
        catch (Exception damaged) when (damaged is Ext4CorruptException or DeviceException)
        {
            // Loading it fails the same way and takes it out of service.
            return true;
        }
    }

    private bool TryTakeIn(GroupNumber group, out InodeNumber number)
    {
        number = default;
        lock (_groups.Gate(group))
        {
            GroupState state = _groups.State(group);
            if (state.Inodes is not FreeMap map)
            {
                Interlocked.Increment(ref _returns);
                return false;
            }
            if (!map.NextRun(0, map.Clusters, out int start, out _))
            {
                _index[group] = 0;
                return false;
            }
            map.Take(start, 1, isSmall: false);
            state.Held++;
            state.WasUsed = true;
            _index[group] = map.FreeClusters > 0 ? SomeFree : (byte)0;
            number = new InodeNumber((group.Value * _geometry.InodesPerGroup) + (uint)start + 1);
            return true;
        }
    }

    private void Prepare(InodeReservation reservation)
    {
        try
        {
            GroupNumber group = _geometry.GroupOf(reservation.Number);
            uint index = _geometry.IndexInGroup(reservation.Number);
            _zeroing.EnsureZeroed(group, (int)index);
            FsBlock table = _context.Descriptors.InodeTable(group);
            _context.Cache.Read(table + (index / (uint)_geometry.InodesPerBlock)).Dispose();
        }
        catch
        {
            Cancel(reservation);
            throw;
        }
    }

    private bool TryLoad(GroupNumber group)
    {
        if (_maps.TryLoad(group, out uint excluded))
        {
            return true;
        }
        lock (_groups.Gate(group))
        {
            _index[group] = 0;
        }
        _counter.Exclude(excluded);
        return false;
    }

    private void GiveBack(InodeNumber number)
    {
        GroupNumber group = _geometry.GroupOf(number);
        lock (_groups.Gate(group))
        {
            GroupState state = _groups.State(group);
            state.Held--;
            if (state.AreInodesDamaged)
            {
                _counter.Exclude(1);
                return;
            }
            FreeMap map = state.Inodes
                ?? throw new InvalidOperationException("a map was dropped while inodes were held");
            if (!map.Return((int)_geometry.IndexInGroup(number), 1))
            {
                throw new InvalidOperationException($"inode {number} returned twice");
            }
            _index[group] = SomeFree;
        }
        Interlocked.Increment(ref _returns);
    }

    /// <summary>Under the gate.</summary>
    private bool FreeLoaded(Handle handle, GroupNumber group, GroupState state, InodeNumber number, bool isDirectory)
    {
        using GroupLease descriptor = _groups.Change(handle, group);
        if (_groups.FlagsOf(descriptor).HasFlag(GroupFlags.InodesUninitialized))
        {
            return false;
        }
        using BlockLease bitmap = handle.Update(descriptor.View.InodeBitmap);
        var bits = new BitmapView(bitmap.Bytes);
        int bit = (int)_geometry.IndexInGroup(number);
        if (!bits[bit])
        {
            return false;
        }
        bits.Clear(bit, 1);
        ChangeCounts(descriptor, bitmap, 1, isDirectory && descriptor.View.Directories > 0 ? -1 : 0);
        state.Held++;
        _counter.BeginReturn(1);
        _freed.Add(handle, number);
        return true;
    }

    /// <summary>A bitmap never written: nothing is used, and bits beyond the group's inodes are set.</summary>
    private void FillUninitialized(in BlockLease bitmap)
    {
        int inodes = (int)_geometry.InodesPerGroup;
        if (inodes < bitmap.Bytes.Length * 8)
        {
            new BitmapView(bitmap.Bytes).Set(inodes, (bitmap.Bytes.Length * 8) - inodes);
        }
        bitmap.MarkVerified();
    }

    /// <summary>A group with inodes in use has a block bitmap too. Kernel: __ext4_new_inode.</summary>
    private void InitializeBlocks(Handle handle, in GroupLease descriptor)
    {
        if (descriptor.View.Flags.HasFlag(GroupFlags.BlocksUninitialized))
        {
            using BlockLease bitmap = _blocks.WritableBitmap(handle, descriptor);
            _blocks.ChangeCounts(descriptor, bitmap, 0);
        }
    }

    /// <summary>Docs: ext4/group_descr, bg_itable_unused: how much of the table a scan may skip.</summary>
    private void GrowUsedPart(GroupDescriptorView view, int bit, bool isFirst)
    {
        view.Flags &= ~GroupFlags.InodesUninitialized;
        uint inodes = _geometry.InodesPerGroup;
        uint used = isFirst ? 0 : inodes - Math.Min(view.UnusedInodes, inodes);
        if ((uint)bit >= used)
        {
            view.UnusedInodes = inodes - (uint)bit - 1;
        }
    }

    private void ChangeCounts(in GroupLease descriptor, in BlockLease bitmap, int difference, int directories)
    {
        GroupDescriptorView view = descriptor.View;
        view.FreeInodes = (uint)(view.FreeInodes + difference);
        view.Directories = (uint)(view.Directories + directories);
        if (_context.Checksums.IsEnabled)
        {
            view.InodeBitmapChecksum = _context.Checksums.OfInodeBitmap(bitmap.Bytes);
        }
        _groups.Seal(descriptor);
        _groups.Survey?.CountInodes(descriptor.Group, difference, directories);
    }

    private bool MayFree(InodeNumber number) =>
        number >= _geometry.FirstInode && number.Value <= _geometry.InodeCount;

    private static Ext4CorruptException NotInUse(InodeNumber number) =>
        new(Corruption.InodeNumberRange, $"inode {number} to be freed is not in use, or reserved");
}
