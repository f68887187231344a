using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Hashes the names of one directory.</summary>
internal readonly struct NameHasher(HashVersion version, HashSeed seed, bool isFolded)
{
    /// <summary>Hash of a name as a caller gives it, or as a record holds it.</summary>
    public NameHash Compute(ReadOnlySpan<byte> name)
    {
        if (!isFolded)
        {
            return DirectoryHash.Compute(version, seed, name);
        }
        Span<byte> folded = stackalloc byte[NameFolding.MaxFoldedBytes];
        return NameFolding.TryFold(name, folded, out int length)
            ? DirectoryHash.Compute(version, seed, folded[..length])
            : DirectoryHash.Compute(version, seed, name);
    }

    /// <summary>Hash of a record's name: the stored one, where records store it.</summary>
    public NameHash Of(DirectoryRecord record) =>
        version == HashVersion.SipHash ? record.StoredHash : Compute(record.Name);

    /// <summary>What orders names of equal major hash in a listing: the minor hash; for the legacy hash, which has
    /// none, a checksum of the name.</summary>
    public uint TieBreaker(NameHash hash, ReadOnlySpan<byte> name) =>
        version is HashVersion.Legacy or HashVersion.LegacyUnsigned ? Crc32C.Append(Crc32C.Start, name) : hash.Minor;
}
