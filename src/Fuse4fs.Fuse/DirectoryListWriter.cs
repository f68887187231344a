using System.Runtime.CompilerServices;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>Fills a READDIR or READDIRPLUS reply entry by entry, up to the size the caller has room for.</summary>
public ref struct DirectoryListWriter
{
    private readonly ref ReplyWriter _reply;
    private int _left;

    /// <param name="reply">The reply.</param>
    /// <param name="sizeBytes">The request's size: the kernel takes no byte more.</param>
    public DirectoryListWriter(ref ReplyWriter reply, uint sizeBytes)
    {
        _reply = ref reply;
        _left = (int)Math.Min(sizeBytes, (uint)reply.Free.Length);
    }

    /// <summary>Appends an entry of READDIR.</summary>
    /// <param name="inode">What readdir(3) shows.</param>
    /// <param name="type">DT_*.</param>
    /// <param name="name">The name, no NUL.</param>
    /// <param name="nextCookie">Where the listing goes on after this entry; not 0.</param>
    /// <returns>False when it did not fit: the listing ends here.</returns>
    public bool TryAdd(ulong inode, byte type, scoped ReadOnlySpan<byte> name, ulong nextCookie)
    {
        int length = Padded(Unsafe.SizeOf<DirectoryEntry>() + name.Length);
        if (length > _left)
        {
            return false;
        }
        ref DirectoryEntry entry = ref _reply.Append<DirectoryEntry>();
        entry.Inode = inode;
        entry.NextCookie = nextCookie;
        entry.NameLength = (uint)name.Length;
        entry.Type = type;
        AppendName(name, length - Unsafe.SizeOf<DirectoryEntry>());
        _left -= length;
        return true;
    }

    /// <summary>Whether an entry of READDIRPLUS with a name this long fits: ask before taking a reference to its
    /// node.</summary>
    public readonly bool HasRoomPlus(int nameLength)
        => Padded(Unsafe.SizeOf<DirectoryEntryPlus>() + nameLength) <= _left;

    /// <summary>Appends an entry of READDIRPLUS. One with a node id counts as a lookup, except "." and "..".</summary>
    /// <returns>False when it did not fit: the listing ends here and no lookup is counted.</returns>
    public bool TryAddPlus(in EntryOut node, ulong inode, byte type, scoped ReadOnlySpan<byte> name, ulong nextCookie)
    {
        if (!HasRoomPlus(name.Length))
        {
            return false;
        }
        int length = Padded(Unsafe.SizeOf<DirectoryEntryPlus>() + name.Length);
        ref DirectoryEntryPlus entry = ref _reply.Append<DirectoryEntryPlus>();
        entry.Entry = node;
        entry.Directory.Inode = inode;
        entry.Directory.NextCookie = nextCookie;
        entry.Directory.NameLength = (uint)name.Length;
        entry.Directory.Type = type;
        AppendName(name, length - Unsafe.SizeOf<DirectoryEntryPlus>());
        _left -= length;
        return true;
    }

    private void AppendName(scoped ReadOnlySpan<byte> name, int paddedLength)
    {
        name.CopyTo(_reply.Free);
        _reply.Free[name.Length..paddedLength].Clear();
        _reply.Advance(paddedLength);
    }

    private static int Padded(int length) => (length + 7) & ~7;
}
