namespace Fuse4fs.Ext4.Format;

/// <summary>Immutable facts of a volume, decoded once from a superblock and validated, so that everything built on them
/// may trust them: products fit, shifts are in range, every group has its descriptor. Docs: ext4/super.</summary>
public sealed class Geometry
{
    /// <summary>Groups a volume may have: 2 PiB with blocks of 4 KiB. Bounds what is kept per group in memory.</summary>
    public const uint MaximumGroups = 1 << 24;

    private readonly byte[] _uuid;
    private readonly uint[] _backupGroups;

    private Geometry(in Superblock super, ulong superblockOffsetBytes)
    {
        Compat = (CompatFeatures)(uint)super.Compat;
        Incompat = (IncompatFeatures)(uint)super.Incompat;
        RoCompat = (RoCompatFeatures)(uint)super.RoCompat;
        BlockSizeShift = 10 + (int)(uint)super.LogBlockSize;
        ClusterShift = Has(RoCompatFeatures.BigAllocation)
            ? (int)(super.LogClusterSize - (uint)super.LogBlockSize)
            : 0;
        BlockCount = super.BlockCount;
        FirstDataBlock = super.FirstDataBlock;
        BlocksPerGroup = super.BlocksPerGroup;
        ClustersPerGroup = super.ClustersPerGroup;
        InodesPerGroup = super.InodesPerGroup;
        InodeCount = super.InodeCount;
        bool isDynamic = super.Revision > 0;
        InodeSizeBytes = isDynamic ? super.InodeSize : InodeRecord.SizeBytes;
        FirstInode = isDynamic ? new InodeNumber(super.FirstInode) : InodeNumber.FirstOfRevision0;
        DescriptorSizeBytes = Has(IncompatFeatures.Bits64)
            ? super.DescriptorSize
            : GroupDescriptorView.ShortSizeBytes;
        FirstMetaGroup = super.FirstMetaGroup;
        ReservedDescriptorBlocks = super.ReservedDescriptorBlocks;
        ulong groups = (BlockCount - FirstDataBlock + BlocksPerGroup - 1) / BlocksPerGroup;
        GroupCount = (uint)Math.Min(groups, uint.MaxValue);
        SuperblockOffsetBytes = superblockOffsetBytes;
        _uuid = ((ReadOnlySpan<byte>)super.Uuid).ToArray();
        ChecksumSeed = Has(IncompatFeatures.ChecksumSeed)
            ? super.ChecksumSeed
            : Crc32C.Append(Crc32C.Start, _uuid);
        _backupGroups = [super.BackupGroup0, super.BackupGroup1];
        LogGroupsPerFlex = Has(IncompatFeatures.FlexibleGroups) ? super.LogGroupsPerFlex : 0;
    }

    public CompatFeatures Compat { get; }

    public IncompatFeatures Incompat { get; }

    public RoCompatFeatures RoCompat { get; }

    /// <summary>Blocks have 1 &lt;&lt; this many bytes: 10 to 16.</summary>
    public int BlockSizeShift { get; }

    /// <summary>1024 to 65536.</summary>
    public int BlockSizeBytes => 1 << BlockSizeShift;

    /// <summary>Clusters have 1 &lt;&lt; this many blocks; 0 without bigalloc.</summary>
    public int ClusterShift { get; }

    /// <summary>Blocks in a cluster.</summary>
    public uint BlocksPerCluster => 1u << ClusterShift;

    /// <summary>Blocks of the volume, counted from block 0.</summary>
    public ulong BlockCount { get; }

    /// <summary>First block of group 0: 1 with blocks of 1 KiB, else 0.</summary>
    public uint FirstDataBlock { get; }

    public uint BlocksPerGroup { get; }

    public uint ClustersPerGroup { get; }

    public uint InodesPerGroup { get; }

    public uint InodeCount { get; }

    /// <summary>128 up to the block size, a power of two.</summary>
    public int InodeSizeBytes { get; }

    /// <summary>First inode that is not reserved.</summary>
    public InodeNumber FirstInode { get; }

    public uint GroupCount { get; }

    /// <summary>32, or 64 to 1024 with the 64bit feature.</summary>
    public int DescriptorSizeBytes { get; }

    public uint DescriptorsPerBlock => (uint)BlockSizeBytes / (uint)DescriptorSizeBytes;

    /// <summary>Blocks of group descriptors, wherever they lie.</summary>
    public uint DescriptorBlockCount => (GroupCount + DescriptorsPerBlock - 1) / DescriptorsPerBlock;

    /// <summary>s_first_meta_bg: descriptor blocks from this number on lie in their own groups (meta_bg).</summary>
    public uint FirstMetaGroup { get; }

    /// <summary>Blocks behind the descriptors kept free for growing.</summary>
    public uint ReservedDescriptorBlocks { get; }

    /// <summary>log2 of the groups in a flexible group; 0 without flex_bg.</summary>
    public int LogGroupsPerFlex { get; }

    /// <summary>Where the superblock in use starts, bytes from the start of the volume: 1024, or a backup's place.</summary>
    public ulong SuperblockOffsetBytes { get; }

    /// <summary>True when a backup superblock, and the descriptors behind it, are in use.</summary>
    public bool IsBackup => SuperblockOffsetBytes != Superblock.PrimaryOffsetBytes;

    /// <summary>The block that holds the superblock in use.</summary>
    public FsBlock SuperblockBlock => new(SuperblockOffsetBytes >> BlockSizeShift);

    /// <summary>Where the superblock starts inside <see cref="SuperblockBlock"/>.</summary>
    public int SuperblockOffsetInBlock => (int)(SuperblockOffsetBytes & (ulong)(BlockSizeBytes - 1));

    /// <summary>Start of every crc32c chain.</summary>
    public uint ChecksumSeed { get; }

    public bool HasMetadataChecksums => Has(RoCompatFeatures.MetadataChecksums);

    /// <summary>Group descriptors carry checksums and uninitialised flags count.</summary>
    public bool HasGroupChecksums =>
        (RoCompat & (RoCompatFeatures.MetadataChecksums | RoCompatFeatures.GroupChecksums)) != 0;

    /// <summary>The volume's UUID, 16 bytes. May be changed while mounted; this is the value at opening.</summary>
    public ReadOnlySpan<byte> Uuid => _uuid;

    public int InodesPerBlock => BlockSizeBytes / InodeSizeBytes;

    public uint InodeTableBlocks => InodesPerGroup / (uint)InodesPerBlock;

    /// <summary>Decodes and validates.</summary>
    /// <param name="super">A superblock whose magic and checksum were checked.</param>
    /// <param name="superblockOffsetBytes">Where it was read, from the start of the volume.</param>
    /// <param name="deviceBytes">Bytes the device has.</param>
    /// <exception cref="VolumeRefusedException">A field is impossible.</exception>
    public static Geometry Decode(in Superblock super, ulong superblockOffsetBytes, long deviceBytes)
    {
        GeometryRules.CheckRaw(in super, superblockOffsetBytes, (ulong)deviceBytes);
        var geometry = new Geometry(in super, superblockOffsetBytes);
        GeometryRules.CheckDecoded(geometry);
        return geometry;
    }

    /// <summary>The feature is on.</summary>
    public bool Has(CompatFeatures feature) => (Compat & feature) != 0;

    /// <summary>The feature is on.</summary>
    public bool Has(IncompatFeatures feature) => (Incompat & feature) != 0;

    /// <summary>The feature is on.</summary>
    public bool Has(RoCompatFeatures feature) => (RoCompat & feature) != 0;

    /// <summary>True when the group begins with a copy of the superblock (and of descriptors, without meta_bg).</summary>
    public bool HasSuperblock(GroupNumber group)
    {
        uint number = group.Value;
        if (number == 0)
        {
            return true;
        }
        if (Has(CompatFeatures.SparseSuper2))
        {
            return number == _backupGroups[0] || number == _backupGroups[1];
        }
        return number <= 1 || !Has(RoCompatFeatures.SparseSuper)
            || ((number & 1) != 0 && (IsPowerOf(3, number) || IsPowerOf(5, number) || IsPowerOf(7, number)));
    }

    /// <summary>First block of a group.</summary>
    public FsBlock FirstBlock(GroupNumber group) => new(FirstDataBlock + ((ulong)group.Value * BlocksPerGroup));

    /// <summary>Blocks of a group: fewer in the last one.</summary>
    public uint BlocksIn(GroupNumber group) =>
        (uint)Math.Min(BlocksPerGroup, BlockCount - FirstBlock(group).Value);

    /// <summary>Clusters of a group, a partial one at the end included.</summary>
    public uint ClustersIn(GroupNumber group) => (BlocksIn(group) + BlocksPerCluster - 1) >> ClusterShift;

    /// <summary>The group a block lies in. Blocks before <see cref="FirstDataBlock"/> are in none.</summary>
    public GroupNumber GroupOf(FsBlock block) => new((uint)((block.Value - FirstDataBlock) / BlocksPerGroup));

    /// <summary>The group an inode lies in.</summary>
    public GroupNumber GroupOf(InodeNumber inode) => new((inode.Value - 1) / InodesPerGroup);

    /// <summary>An inode's place in its group's table, counted from 0.</summary>
    public uint IndexInGroup(InodeNumber inode) => (inode.Value - 1) % InodesPerGroup;

    /// <summary>True for a run of blocks inside the volume that can hold data or metadata of a file.</summary>
    public bool IsDataRange(FsBlock first, ulong count) =>
        first.Value > FirstDataBlock && count <= BlockCount && first.Value <= BlockCount - count;

    /// <summary>Where a block of group descriptors lies. Docs: ext4/blockgroup, "Meta Block Groups".</summary>
    /// <param name="index">0 to <see cref="DescriptorBlockCount"/> - 1.</param>
    public FsBlock DescriptorBlock(uint index)
    {
        if (!Has(IncompatFeatures.MetaBlockGroups) || index < FirstMetaGroup)
        {
            return SuperblockBlock + index + 1;
        }
        var group = new GroupNumber(index * DescriptorsPerBlock);
        ulong behind = HasSuperblock(group) ? 1u : 0u;
        if (BlockSizeShift == 10 && index == 0 && FirstDataBlock == 0)
        {
            behind++;       // with bigalloc blocks of 1 KiB count from 0, so the superblock is in block 1
        }
        return FirstBlock(group) + behind;
    }

    /// <summary>Blocks of group descriptors at the beginning of a group: the primary ones or copies.</summary>
    public uint DescriptorBlocksIn(GroupNumber group)
    {
        bool isMeta = Has(IncompatFeatures.MetaBlockGroups);
        uint metaGroup = group.Value / DescriptorsPerBlock;
        if (!isMeta || metaGroup < FirstMetaGroup)
        {
            uint all = isMeta ? Math.Min(FirstMetaGroup, DescriptorBlockCount) : DescriptorBlockCount;
            return HasSuperblock(group) ? all : 0;
        }
        uint inMetaGroup = group.Value % DescriptorsPerBlock;
        return inMetaGroup <= 1 || inMetaGroup == DescriptorsPerBlock - 1 ? 1u : 0;
    }

    /// <summary>The block with a group's descriptor, and the descriptor's place in it.</summary>
    public (FsBlock Block, int OffsetBytes) DescriptorOf(GroupNumber group) =>
        (DescriptorBlock(group.Value / DescriptorsPerBlock),
            (int)(group.Value % DescriptorsPerBlock) * DescriptorSizeBytes);

    private static bool IsPowerOf(uint factor, uint number)
    {
        ulong power = factor;
        while (power < number)
        {
            power *= factor;
        }
        return power == number;
    }
}
