using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>The one object of an inode in memory: decoded fields, its lock, and caches of what hangs on it. Got from
/// the
/// <see cref="InodeTable"/>.</summary>
/// <remarks>Fields are read under <see cref="Lock"/> shared and changed under it exclusively, unless they say
/// otherwise. Kernel: struct ext4_inode_info.</remarks>
public sealed class Inode
{
    private BlockArea _blockArea;
    private long _sizeBytes;
    private uint _lastTransaction;
    private long _dataTicket = -1;
    private bool _knowsValueInodes;

    internal Inode(InodeNumber number, FsBlock tableBlock, int tableOffsetBytes)
    {
        Number = number;
        TableBlock = tableBlock;
        TableOffsetBytes = tableOffsetBytes;
    }

    public InodeNumber Number { get; }

    /// <summary>The block of the inode table that holds the record.</summary>
    public FsBlock TableBlock { get; }

    /// <summary>Where the record starts in <see cref="TableBlock"/>.</summary>
    public int TableOffsetBytes { get; }

    public InodeLock Lock { get; } = new();

    /// <summary>i_generation: distinguishes successive uses of a number.</summary>
    public uint Generation { get; set; }

    /// <summary>i_mode: type and permission bits.</summary>
    public ushort Mode { get; set; }

    public uint UserId { get; set; }

    public uint GroupId { get; set; }

    /// <summary>i_links_count: 0 for an orphan; 1 for a directory with too many subdirectories to count.</summary>
    public ushort LinkCount { get; set; }

    /// <summary>Bytes.</summary>
    public long SizeBytes
    {
        get => _sizeBytes;
        set
        {
            IsDataStorePending |= value != _sizeBytes;
            _sizeBytes = value;
        }
    }

    /// <summary>Space in use, attribute block included, in units of 512 bytes.</summary>
    public ulong Sectors { get; set; }

    public InodeFlags Flags { get; set; }

    public uint ProjectId { get; set; }

    /// <summary>How many values of its attributes are in inodes: each counts as one more of its owner's. 0 until
    /// <see cref="LearnValueInodes"/>.</summary>
    public int ValueInodes { get; set; }

    /// <summary>i_version: counts changes; in an attribute's value inode, the reference count.</summary>
    public ulong Version { get; set; }

    public Timestamp AccessTime { get; set; }

    public Timestamp ModificationTime { get; set; }

    public Timestamp ChangeTime { get; set; }

    /// <summary>Creation; zero where the inode has no room for it.</summary>
    public Timestamp BirthTime { get; set; }

    /// <summary>i_dtime: deletion time in seconds, or the next inode of the orphan list.</summary>
    public uint DeletionTime { get; set; }

    /// <summary>i_file_acl: the block with extended attributes, 0 for none.</summary>
    public FsBlock XattrBlock { get; set; }

    /// <summary>i_extra_isize: bytes in use behind the first 128; 0 in small inodes.</summary>
    public int ExtraSizeBytes { get; set; }

    /// <summary>The record's rest behind <see cref="ExtraSizeBytes"/> may hold attributes. False until the first store
    /// when i_extra_isize was 0 on disk: then the rest is unused.</summary>
    public bool HasXattrArea { get; set; }

    /// <summary>Changes of the rest that were begun: until they end it stays where it is.</summary>
    internal int TailEdits { get; set; }

    /// <summary>It was tried to move attributes, so that more fields fit. Kernel: EXT4_STATE_NO_EXPAND.</summary>
    internal bool HasTriedToGrow { get; set; }

    /// <summary>Start of every checksum chain of this inode's structures.</summary>
    public uint ChecksumSeed { get; internal set; }

    /// <summary>Where the file's blocks are, as far as known. Has a lock of its own.</summary>
    internal MapCache Map { get; } = new();

    /// <summary>Space kept ahead of the file's writers; null while it has none.</summary>
    internal Preallocation? Windows { get; set; }

    /// <summary>i_block, 60 bytes.</summary>
    public Span<byte> BlockAreaBytes => _blockArea;

    public FileKind Kind => (FileKind)(Mode & (int)FileKind.Mask);

    public bool IsDirectory => Kind == FileKind.Directory;

    public bool IsRegular => Kind == FileKind.Regular;

    /// <summary>Its contents are blocks of the journal: of directories, symlinks and values of attributes.</summary>
    public bool HasJournaledData => !IsRegular || Has(InodeFlags.XattrValue);

    public bool Has(InodeFlags flag) => (Flags & flag) != 0;

    /// <summary>What a device node stands for; for other kinds 0, 0.</summary>
    public DeviceNumber Device => Kind is FileKind.CharacterDevice or FileKind.BlockDevice
        ? DeviceNumber.Decode(_blockArea)
        : default;

    /// <summary>The transaction that holds the inode's last change; what fsync waits for. Valid with
    /// <see cref="WasChanged"/>.</summary>
    internal uint LastTransaction
    {
        get => _lastTransaction;
        set
        {
            _lastTransaction = value;
            WasChanged = true;
        }
    }

    /// <summary>Changed since it was loaded.</summary>
    internal bool WasChanged { get; private set; }

    /// <summary>As <see cref="LastTransaction"/>, of the last change without which data could not be found again: of the
    /// map or the size, of a directory any, and the creation. What fdatasync waits for.</summary>
    internal uint? LastDataTransaction { get; set; }

    /// <summary>Map or size changed since the last store.</summary>
    internal bool IsDataStorePending { get; set; }

    /// <summary>The journal's ticket of the inode's last data write, -1 for none.</summary>
    internal long DataTicket => Volatile.Read(ref _dataTicket);

    /// <summary>Data was written, completely, before the ticket was taken. Also called under the shared lock.</summary>
    internal void RaiseDataTicket(long ticket)
    {
        long seen = Volatile.Read(ref _dataTicket);
        while (ticket > seen)
        {
            long found = Interlocked.CompareExchange(ref _dataTicket, ticket, seen);
            if (found == seen)
            {
                return;
            }
            seen = found;
        }
    }

    /// <summary>As it is counted by quotas.</summary>
    internal InodeCharge Charge { get; set; }

    /// <summary>Its attributes were read: they are counted in what it is charged with from now on.</summary>
    internal void LearnValueInodes(int count)
    {
        if (_knowsValueInodes)
        {
            return;
        }
        _knowsValueInodes = true;
        ValueInodes = count;
        Charge = Charge with { Inodes = Charge.Inodes + count };
    }

    /// <summary>Made by <see cref="InodeTable.Create"/> and not stored yet: the record still is another
    /// inode's.</summary>
    internal bool IsNew { get; set; }

    /// <summary>New and never had a block: its first data may go into the inode. Not known any more when the object left
    /// memory. Kernel: EXT4_STATE_MAY_INLINE_DATA.</summary>
    internal bool MayBeInline { get; set; }

    /// <summary>On the orphan list: the object stays in memory. Guarded by that list.</summary>
    internal bool IsOrphan { get; set; }

    /// <summary>A directory whose index was found unusable: names are searched for block by block. Racy by design.
    /// </summary>
    internal bool HasDamagedIndex { get; set; }

    /// <summary>Known to have no security.capability, so that writes need not look. Racy by design: only ever set after a
    /// look under <see cref="Lock"/>.</summary>
    internal volatile bool HasNoCapability;

    /// <summary>Where the last read of data ended, and up to where the device was asked to read ahead, bytes. Racy by
    /// design: a wrong value costs a little speed.</summary>
    internal long ReadEnd { get; set; }

    /// <inheritdoc cref="ReadEnd"/>
    internal long ReadAheadEnd { get; set; }

    /// <summary>Made without a name and never had one: it may still get its first.</summary>
    internal bool IsTemporary { get; set; }

    /// <summary>One of those whose long map stays in memory without references. Guarded by the table's shard.</summary>
    internal bool KeepsLongMap { get; set; }

    /// <summary>References, guarded by the table's shard. Unreferenced objects may be evicted.</summary>
    internal int References { get; set; }

    /// <summary>Used since the clock's hand last passed; racy by design.</summary>
    internal bool WasUsed { get; set; }

    /// <summary>The fields are the record's. Guarded by <see cref="RecordGate"/>, then never cleared.</summary>
    internal volatile bool IsLoaded;

    /// <summary>No longer the object of its number: freed, or replaced by a new use of the number.</summary>
    internal bool IsDetached { get; set; }

    /// <summary>Held while the record is read or written.</summary>
    internal Lock RecordGate { get; } = new();
}
