using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>What the superblock says about directories, for a replay.</summary>
internal sealed class DirectoryFormat
{
    private readonly Geometry _geometry;
    private readonly HashSeed _seed;
    private readonly bool _isHashUnsigned;

    public DirectoryFormat(Geometry geometry, in Superblock super)
    {
        _geometry = geometry;
        ReadOnlySpan<Le32> seed = super.HashSeed;
        _seed = new HashSeed(seed[0], seed[1], seed[2], seed[3]);
        _isHashUnsigned = ((SuperblockFlags)(uint)super.Flags).HasFlag(SuperblockFlags.UnsignedHash);
        DefaultHash = super.DefaultHashVersion <= (byte)HashVersion.TeaUnsigned
            ? (HashVersion)(super.DefaultHashVersion % (byte)HashVersion.LegacyUnsigned)
            : HashVersion.HalfMd4;
        MaximumIndirectLevels = geometry.Incompat.HasFlag(IncompatFeatures.LargeDirectory) ? 2 : 1;
    }

    public int BlockSizeBytes => _geometry.BlockSizeBytes;

    /// <summary>Blocks of the volume: no directory has more.</summary>
    public ulong VolumeBlocks => _geometry.BlockCount;

    /// <summary>Bytes of a block that hold records.</summary>
    public int LeafBytes => BlockSizeBytes - (_geometry.HasMetadataChecksums ? DirectoryLayout.LeafTailBytes : 0);

    public bool HasIndex => _geometry.Compat.HasFlag(CompatFeatures.DirectoryIndex);

    public bool HasFileTypes => _geometry.Incompat.HasFlag(IncompatFeatures.FileType);

    public bool HasChecksums => _geometry.HasMetadataChecksums;

    public int MaximumIndirectLevels { get; }

    /// <summary>What a new index names.</summary>
    public HashVersion DefaultHash { get; }

    public DirectoryLayout Layout(ReplayInode inode) => new(
        inode.Number, BlockSizeBytes, _geometry.InodeCount, HasStoredHash: false, _geometry.HasMetadataChecksums);

    public NameHasher Hasher(ReplayInode inode, HashVersion version)
    {
        if (_isHashUnsigned && version <= HashVersion.Tea)
        {
            version += (byte)HashVersion.LegacyUnsigned;
        }
        return new NameHasher(version, _seed, (inode.Flags & InodeFlags.Casefold) != 0);
    }
}
