using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>The inodes in memory: one object per number while anybody refers to it, and a bounded number of
/// others.</summary>
public sealed partial class InodeTable
{
    private const int ShardCount = 16;

    private readonly VolumeContext _context;
    private readonly InodeShard[] _shards = new InodeShard[ShardCount];
    private readonly HashSet<uint> _hidden;

    /// <summary>Makes an empty table.</summary>
    /// <param name="context">The volume.</param>
    /// <param name="capacity">Unreferenced objects kept.</param>
    public InodeTable(VolumeContext context, int capacity)
    {
        _context = context;
        for (int i = 0; i < ShardCount; i++)
        {
            _shards[i] = new InodeShard(this, Math.Max(1, capacity / ShardCount));
        }
        Superblock super = context.CopySuperblock();
        _hidden =
        [
            super.JournalInode, super.UserQuotaInode, super.GroupQuotaInode, super.ProjectQuotaInode,
            super.OrphanFileInode,
        ];
        _hasLargeFiles = context.Geometry.Has(RoCompatFeatures.LargeFile) ? 1 : 0;
        WantedExtraSizeBytes = WantedExtraSize(context.Geometry, in super);
        NeededExtraSizeBytes = Math.Min(super.MinimumExtraInodeSize & ~3, WantedExtraSizeBytes);
    }

    /// <summary>Bytes behind the first 128 that inodes are to have for fields; 0 in small inodes.</summary>
    internal int WantedExtraSizeBytes { get; }

    /// <summary>As <see cref="WantedExtraSizeBytes"/>: what they are to have at least.</summary>
    internal int NeededExtraSizeBytes { get; }

    /// <summary>What the superblock asks for counts as far as it is possible. Kernel:
    /// ext4_fill_super, s_want_extra_isize.</summary>
    private static int WantedExtraSize(Geometry geometry, in Superblock super)
    {
        int available = geometry.InodeSizeBytes - InodeRecord.SizeBytes;
        int wanted = geometry.Has(RoCompatFeatures.ExtraInodeSize)
            ? Math.Max(super.WantedExtraInodeSize, (int)super.MinimumExtraInodeSize)
            : 0;
        bool isPossible = wanted <= available && wanted % sizeof(uint) == 0;
        return Math.Min(available, Math.Max(InodeExtraRecord.SizeBytes, isPossible ? wanted : 0));
    }

    /// <summary>Who counts what inodes take; null on volumes without quotas.</summary>
    internal IInodeAccounts? Accounts { get; set; }

    /// <summary>Told of every object that is about to leave memory, under the table's lock.</summary>
    internal Action<Inode>? Evicting { get; set; }

    /// <summary>Refers to an inode, loading it when needed.</summary>
    /// <param name="number">From a directory or the kernel: checked here.</param>
    /// <param name="access">What may be given beyond ordinary files.</param>
    /// <param name="reference">To be disposed; valid only with Ok.</param>
    /// <returns>Stale for a number that is not in use (for a directory entry that is damage) or, when it does not come
    /// from a directory, reserved; or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The number is impossible, a directory's is reserved, or the record is
    /// damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public Errno Acquire(InodeNumber number, InodeAccess access, out InodeReference reference)
    {
        reference = default;
        if (IsReserved(number) && (access & InodeAccess.Special) == 0)
        {
            return RefuseReserved(number, access);
        }
        InodeShard shard = ShardOf(number);
        Inode inode = shard.Find(number) ?? shard.Add(NewObject(number));
        bool isGiven = false;
        try
        {
            if (!inode.IsLoaded)
            {
                Load(inode);
            }
            Errno error = CheckUse(inode, access);
            if (error == Errno.Ok)
            {
                reference = new InodeReference(this, inode);
                isGiven = true;
            }
            return error;
        }
        finally
        {
            if (!isGiven)
            {
                shard.Release(inode);
            }
        }
    }

    /// <summary>As <see cref="Acquire(InodeNumber,InodeAccess,out InodeReference)"/>, for ordinary files.</summary>
    public Errno Acquire(InodeNumber number, out InodeReference reference) =>
        Acquire(number, InodeAccess.File, out reference);

    /// <summary>Makes the object of an inode just allocated: all fields zero, nothing is read. An older object of the
    /// number, if somebody still refers to it, is no longer found.</summary>
    /// <param name="number">From the inode allocator.</param>
    /// <param name="generation">New for this use of the number.</param>
    public InodeReference Create(InodeNumber number, uint generation)
    {
        Inode inode = NewObject(number);
        inode.Generation = generation;
        inode.ChecksumSeed = _context.Checksums.InodeSeed(number, generation);
        inode.ExtraSizeBytes = WantedExtraSizeBytes;
        inode.HasXattrArea = inode.ExtraSizeBytes > 0;
        inode.IsNew = true;
        inode.IsLoaded = true;
        ShardOf(number).Replace(inode);
        return new InodeReference(this, inode);
    }

    /// <summary>The inode was freed: its object is found no more and leaves memory with its last reference.</summary>
    public void Forget(Inode inode) => ShardOf(inode.Number).Detach(inode);

    /// <summary>Another reference to an inode that is already referred to.</summary>
    public InodeReference AddReference(Inode inode)
    {
        ShardOf(inode.Number).AddReference(inode);
        return new InodeReference(this, inode);
    }

    /// <summary>Where an inode's record is.</summary>
    /// <exception cref="Ext4CorruptException">The number is impossible or its group's descriptor is
    /// damaged.</exception>
    public (FsBlock Block, int OffsetBytes) Locate(InodeNumber number)
    {
        Geometry geometry = _context.Geometry;
        if (number.Value == 0 || number.Value > geometry.InodeCount)
        {
            Ext4CorruptException.Throw(Corruption.InodeNumberRange, $"inode number {number}");
        }
        uint index = geometry.IndexInGroup(number);
        FsBlock table = _context.Descriptors.InodeTable(geometry.GroupOf(number));
        return (table + (index / (uint)geometry.InodesPerBlock),
            (int)(index % (uint)geometry.InodesPerBlock) * geometry.InodeSizeBytes);
    }

    /// <summary>The whole record, for the attributes stored behind the fields. Hold the inode's lock.</summary>
    /// <returns>The lease of the block and the record's place in it.</returns>
    public BlockLease ReadRecord(Inode inode, out Span<byte> record)
    {
        BlockLease lease = _context.Cache.ReadWithNeighbours(inode.TableBlock);
        record = lease.Bytes.Slice(inode.TableOffsetBytes, _context.Geometry.InodeSizeBytes);
        return lease;
    }

    internal void Release(Inode inode) => ShardOf(inode.Number).Release(inode);

    private static Errno CheckUse(Inode inode, InodeAccess access)
    {
        bool isUsable = inode.LinkCount > 0
            || (inode.IsOrphan && (access & InodeAccess.EvenUnlinked) != 0)
            || (inode.Mode != 0 && (access & InodeAccess.EvenLost) != 0);
        if (inode.IsDetached || !isUsable)
        {
            return Errno.Stale;
        }
        if (inode.Has(InodeFlags.XattrValue) != ((access & InodeAccess.XattrValue) != 0))
        {
            Ext4CorruptException.Throw(Corruption.XattrValueInode, $"inode {inode.Number}: an attribute's value or not");
        }
        return Errno.Ok;
    }

    private InodeShard ShardOf(InodeNumber number) => _shards[number.Value % ShardCount];

    private Inode NewObject(InodeNumber number)
    {
        (FsBlock block, int offset) = Locate(number);
        return new Inode(number, block, offset);
    }

    private bool IsReserved(InodeNumber number) => number != InodeNumber.Root
        && (number < _context.Geometry.FirstInode || _hidden.Contains(number.Value));

    /// <summary>In a directory the number of a reserved inode is damage. Whoever names inodes from outside, as a file
    /// handle of NFS does, may say anything.</summary>
    private static Errno RefuseReserved(InodeNumber number, InodeAccess access)
    {
        if ((access & InodeAccess.EvenUnlinked) == 0)
        {
            Ext4CorruptException.Throw(Corruption.InodeNumberRange, $"inode number {number} is reserved");
        }
        return Errno.Stale;
    }

    private void Load(Inode inode)
    {
        lock (inode.RecordGate)
        {
            if (!inode.IsLoaded)
            {
                using BlockLease lease = ReadRecord(inode, out Span<byte> record);
                InodeCodec.Decode(_context.Geometry, _context.Checksums, record, inode);
                inode.IsDataStorePending = false;
                inode.Charge = InodeCharge.Of(inode);
                inode.IsLoaded = true;
            }
        }
    }
}
