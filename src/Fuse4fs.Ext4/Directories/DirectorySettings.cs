using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What the superblock says about all directories of a volume.</summary>
internal sealed class DirectorySettings
{
    /// <summary>EXT4_ENC_STRICT_MODE_FL of s_encoding_flags: names that are not UTF-8 are refused.</summary>
    private const int StrictEncoding = 1;

    /// <summary>EXT4_ENC_NO_COMPAT_FALLBACK_FL of s_encoding_flags.</summary>
    private const int NoForeignHashes = 2;

    private readonly Geometry _geometry;
    private readonly HashSeed _seed;
    private readonly bool _isHashUnsigned;

    /// <summary>Decodes the fields; an unknown default hash counts as half MD4, as for the kernel.</summary>
    public DirectorySettings(Geometry geometry, in Superblock super)
    {
        _geometry = geometry;
        ReadOnlySpan<Le32> seed = super.HashSeed;
        _seed = new HashSeed(seed[0], seed[1], seed[2], seed[3]);
        _isHashUnsigned = ((SuperblockFlags)(uint)super.Flags).HasFlag(SuperblockFlags.UnsignedHash);
        DefaultHash = (HashVersion)super.DefaultHashVersion switch
        {
            HashVersion.Legacy or HashVersion.LegacyUnsigned => HashVersion.Legacy,
            HashVersion.Tea or HashVersion.TeaUnsigned => HashVersion.Tea,
            _ => HashVersion.HalfMd4,
        };
        HasIndex = geometry.Compat.HasFlag(CompatFeatures.DirectoryIndex);
        HasFileTypes = geometry.Incompat.HasFlag(IncompatFeatures.FileType);
        IsStrict = (super.EncodingFlags & StrictEncoding) != 0;
        MayHaveForeignHashes = (super.EncodingFlags & NoForeignHashes) == 0;
        MaximumIndirectLevels = geometry.Incompat.HasFlag(IncompatFeatures.LargeDirectory) ? 2 : 1;
    }

    /// <summary>dir_index: directories may have an index.</summary>
    public bool HasIndex { get; }

    /// <summary>filetype: records say what their inode is.</summary>
    public bool HasFileTypes { get; }

    /// <summary>Casefolded directories take no names that are not UTF-8.</summary>
    public bool IsStrict { get; }

    /// <summary>Some kernels (Linux 6.13) hashed folded names with ignorable code points in another way: a name that
    /// its hash does not lead to may be there all the same.</summary>
    public bool MayHaveForeignHashes { get; }

    /// <summary>Levels of index nodes below a root: 1, or 2 with large_dir.</summary>
    public int MaximumIndirectLevels { get; }

    /// <summary>The hash new roots name: one of the first three.</summary>
    public HashVersion DefaultHash { get; }

    /// <summary>What must be known to read a directory's records.</summary>
    public DirectoryLayout LayoutOf(Inode directory) => new(
        directory.Number,
        _geometry.BlockSizeBytes,
        _geometry.InodeCount,
        HasStoredHash: directory.Has(InodeFlags.Encrypted) && directory.Has(InodeFlags.Casefold),
        _geometry.HasMetadataChecksums);

    /// <summary>How the names of a directory are hashed.</summary>
    /// <param name="directory">Whose.</param>
    /// <param name="version">What its root names, or <see cref="DefaultHash"/>.</param>
    public NameHasher HasherOf(Inode directory, HashVersion version)
    {
        if (version <= HashVersion.Tea && _isHashUnsigned)
        {
            version += (byte)HashVersion.LegacyUnsigned;
        }
        bool isFolded = directory.Has(InodeFlags.Casefold) && !directory.Has(InodeFlags.Encrypted);
        return new NameHasher(version, _seed, isFolded);
    }
}
