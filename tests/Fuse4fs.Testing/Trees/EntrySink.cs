using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Testing.Trees;

/// <summary>Collects entries, a few at a time so that listings are continued by cookie.</summary>
internal struct EntrySink() : IDirectorySink
{
    private static readonly byte[] s_types = [0, 8, 4, 2, 6, 1, 12, 10];

    /// <summary>All but "." and "..".</summary>
    public List<(byte[] Name, InodeNumber Inode, byte Type)> Entries { get; } = [];

    /// <summary>How many were offered and taken.</summary>
    public int Seen { get; private set; }

    /// <summary>How many more are taken.</summary>
    public int Room { get; set; }

    /// <summary>Where to go on.</summary>
    public ulong NextCookie { get; private set; }

    /// <inheritdoc/>
    public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
    {
        if (Room == 0)
        {
            return false;
        }
        Room--;
        Seen++;
        NextCookie = nextCookie;
        if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
        {
            Entries.Add((name.ToArray(), inode, s_types[(int)type]));
        }
        return true;
    }
}
