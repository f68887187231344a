using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>A name being looked for, prepared once for all comparisons.</summary>
internal readonly ref struct SearchName
{
    /// <summary>Bytes of the buffer that <see cref="TryPrepare"/> needs.</summary>
    public const int BufferBytes = NameFolding.MaxFoldedBytes;

    private readonly ReadOnlySpan<byte> _folded;
    private readonly NoKeyName _noKey;
    private readonly Rule _rule;

    private SearchName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> folded, NoKeyName noKey, Rule rule)
    {
        Name = name;
        _folded = folded;
        _noKey = noKey;
        _rule = rule;
    }

    private enum Rule
    {
        Bytes,
        Folded,
        NoKey,
    }

    /// <summary>As the caller gave it.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Prepares a name for a directory.</summary>
    /// <param name="directory">Where it is looked for: casefolded and encrypted ones compare in their own ways.</param>
    /// <param name="settings">Of the volume.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="buffer">At least <see cref="BufferBytes"/>; must outlive the result.</param>
    /// <param name="prepared">Valid only with Ok.</param>
    /// <returns>NoEntry when no such name can exist; Invalid for what a strict casefolded directory refuses.</returns>
    public static Errno TryPrepare(
        Inode directory, DirectorySettings settings, ReadOnlySpan<byte> name, Span<byte> buffer, out SearchName prepared)
    {
        prepared = new SearchName(name, default, default, Rule.Bytes);
        if (DirectoryRecord.IsDotName(name))
        {
            return Errno.Ok;
        }
        if (directory.Has(InodeFlags.Encrypted))
        {
            if (!NoKeyName.TryDecode(name, buffer, out NoKeyName noKey))
            {
                return Errno.NoEntry;
            }
            prepared = new SearchName(name, default, noKey, Rule.NoKey);
            return Errno.Ok;
        }
        if (!directory.Has(InodeFlags.Casefold))
        {
            return Errno.Ok;
        }
        if (NameFolding.TryFold(name, buffer, out int length))
        {
            prepared = new SearchName(name, buffer[..length], default, Rule.Folded);
            return Errno.Ok;
        }
        return settings.IsStrict ? Errno.Invalid : Errno.Ok;
    }

    /// <summary>The hash under which the index has it.</summary>
    public NameHash Hash(NameHasher hasher, bool hasStoredHash)
    {
        if (_rule != Rule.NoKey)
        {
            return hasher.Compute(Name);
        }
        return hasStoredHash || _noKey.Ciphertext.IsEmpty ? _noKey.Hash : hasher.Compute(_noKey.Ciphertext);
    }

    /// <summary>Whether a record's name is the one looked for.</summary>
    public bool Matches(ReadOnlySpan<byte> stored)
    {
        switch (_rule)
        {
            case Rule.NoKey:
                return _noKey.Matches(stored);
            case Rule.Folded when !stored.SequenceEqual(Name):
                Span<byte> folded = stackalloc byte[NameFolding.MaxFoldedBytes];
                return NameFolding.TryFold(stored, folded, out int length) && folded[..length].SequenceEqual(_folded);
            default:
                return stored.SequenceEqual(Name);
        }
    }
}
