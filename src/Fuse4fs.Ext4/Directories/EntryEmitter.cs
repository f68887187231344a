using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Gives entries of a listing to whoever asked, as they are to be seen.</summary>
internal sealed class EntryEmitter(VolumeContext context, DirectorySettings settings)
{
    /// <summary>Gives one entry; an impossible name is reported and passed over.</summary>
    /// <param name="sink">Takes it.</param>
    /// <param name="directory">Its lock is held.</param>
    /// <param name="record">A name.</param>
    /// <param name="hash">Of that name, where names are encrypted.</param>
    /// <param name="next">Continues behind the entry.</param>
    /// <param name="position">Told what the sink took.</param>
    /// <returns>False when the sink is full.</returns>
    public bool TryEmit<TSink>(
        ref TSink sink,
        Inode directory,
        scoped DirectoryRecord record,
        NameHash hash,
        ulong next,
        ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        scoped ReadOnlySpan<byte> name = record.Name;
        Span<byte> encoded = stackalloc byte[NoKeyName.MaxEncodedBytes];
        bool isEncrypted = directory.Has(InodeFlags.Encrypted);
        bool isBad = isEncrypted ? name.Length < NoKeyName.MinCiphertextBytes : name.ContainsAny((byte)'/', (byte)0);
        if (isBad)
        {
            context.Events.Damage(
                new Ext4CorruptException(Corruption.DirectoryName, $"directory {directory.Number}: an impossible name"),
                directory.Number);
            return true;
        }
        if (isEncrypted)
        {
            name = encoded[..NoKeyName.Encode(hash, name, encoded)];
        }
        DirectoryFileType type = settings.HasFileTypes && record.FileType <= DirectoryFileType.Symlink
            ? record.FileType
            : DirectoryFileType.Unknown;
        if (!sink.Add(name, record.Inode, type, next))
        {
            return false;
        }
        position.Listed++;
        position.Cookie = next;
        return true;
    }
}
