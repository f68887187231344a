using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Images;

/// <summary>Some entries of a directory, kept outside the engine; a large directory comes in several batches.</summary>
internal sealed class DirectoryBatch : IDirectorySink
{
    private const int MostNameBytes = 16 * 1024;

    private readonly List<(InodeNumber Inode, DirectoryFileType Type, int Offset, int Length)> _entries = [];
    private byte[] _names = new byte[1024];
    private int _used;
    private int _next;

    /// <summary>Where the listing goes on.</summary>
    public ulong Cookie { get; private set; }

    /// <inheritdoc/>
    public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie)
    {
        if (_used + name.Length > MostNameBytes)
        {
            return false;
        }
        if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
        {
            if (_used + name.Length > _names.Length)
            {
                Array.Resize(ref _names, Math.Max(_names.Length * 2, _used + name.Length));
            }
            name.CopyTo(_names.AsSpan(_used));
            _entries.Add((inode, type, _used, name.Length));
            _used += name.Length;
        }
        Cookie = nextCookie;
        return true;
    }

    /// <summary>Takes the next entry; "." and ".." are not among them.</summary>
    public bool TryTake(out InodeNumber inode, out DirectoryFileType type, out ReadOnlySpan<byte> name)
    {
        if (_next == _entries.Count)
        {
            inode = default;
            type = default;
            name = default;
            return false;
        }
        (inode, type, int offset, int length) = _entries[_next++];
        name = _names.AsSpan(offset, length);
        return true;
    }

    /// <summary>Empties the batch for the next part of the directory.</summary>
    public void Clear()
    {
        _entries.Clear();
        _used = 0;
        _next = 0;
    }
}
