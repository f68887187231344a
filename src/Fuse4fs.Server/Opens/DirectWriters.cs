using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Opens;

/// <summary>Files that somebody writes past the kernel's page cache, and whether they are read through it meanwhile.
/// </summary>
/// <remarks>The kernel drops what it has cached of a range before it sends a direct write. What is read into the cache
/// between that and the write stays, if the write was asynchronous (fs/fuse/file.c, fuse_aio_complete): old data, for
/// ever. Such reads come after the kernel opened the file for the write, and so after <see cref="Opened"/>.</remarks>
internal sealed class DirectWriters
{
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, State> _files = [];
    private int _count;

    /// <summary>A file was opened to be written past the cache.</summary>
    public void Opened(InodeNumber inode)
    {
        lock (_gate)
        {
            State state = _files.GetValueOrDefault(inode.Value);
            _files[inode.Value] = state with { Writers = state.Writers + 1 };
            Volatile.Write(ref _count, _files.Count);
        }
    }

    /// <summary>The counterpart of <see cref="Opened"/>.</summary>
    public void Closed(InodeNumber inode)
    {
        lock (_gate)
        {
            State state = _files[inode.Value];
            if (state.Writers > 1)
            {
                _files[inode.Value] = state with { Writers = state.Writers - 1 };
                return;
            }
            _files.Remove(inode.Value);
            Volatile.Write(ref _count, _files.Count);
        }
    }

    /// <summary>A file is about to be read for the kernel's cache.</summary>
    public void IsBeingCached(InodeNumber inode)
    {
        if (Volatile.Read(ref _count) == 0)
        {
            return;
        }
        lock (_gate)
        {
            if (_files.TryGetValue(inode.Value, out State state) && !state.IsCached)
            {
                _files[inode.Value] = state with { IsCached = true };
            }
        }
    }

    /// <summary>Whether the kernel may have cached what a direct write, which is done, has replaced. Also when nobody is
    /// known to write past the cache: an open file's flags can be changed.</summary>
    public bool MayBeCached(InodeNumber inode)
    {
        lock (_gate)
        {
            return !_files.TryGetValue(inode.Value, out State state) || state.IsCached;
        }
    }

    private readonly record struct State(int Writers, bool IsCached);
}
