using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Opens;

/// <summary>The open files of a mount, by the handle the kernel was given, and how many of each inode's can write.
/// </summary>
/// <remarks>Handles are slots of chunks that never move, so that finding one takes no lock; opening and closing do.
/// Handle 0 is none.</remarks>
internal sealed class OpenFiles
{
    private const int ChunkBits = 10;
    private const int ChunkLength = 1 << ChunkBits;
    private const int MostChunks = 1 << 14;

    private readonly Lock _gate = new();
    private readonly OpenFile[]?[] _chunks = new OpenFile[MostChunks][];
    private readonly Stack<ulong> _free = new();
    private readonly Dictionary<uint, int> _writers = [];
    private ulong _unused = 1;

    /// <summary>Remembers an open file.</summary>
    /// <returns>Its handle; 0 when there are too many.</returns>
    public ulong Add(OpenFile file)
    {
        lock (_gate)
        {
            if (!_free.TryPop(out ulong handle))
            {
                if (_unused >= (ulong)MostChunks * ChunkLength)
                {
                    return 0;
                }
                handle = _unused++;
                _chunks[handle >> ChunkBits] ??= new OpenFile[ChunkLength];
            }
            _chunks[handle >> ChunkBits]![handle % ChunkLength] = file;
            if (file.CanWrite)
            {
                _writers[file.Inode.Value] = _writers.GetValueOrDefault(file.Inode.Value) + 1;
            }
            return handle;
        }
    }

    /// <summary>Finds an open file. The handle comes from the kernel, which we gave it; another one finds nothing.
    /// </summary>
    public bool TryFind(ulong handle, out OpenFile file)
    {
        OpenFile[]? chunk = handle >> ChunkBits < MostChunks ? Volatile.Read(ref _chunks[handle >> ChunkBits]) : null;
        file = chunk is null ? default : chunk[handle % ChunkLength];
        return file.Inode != InodeNumber.None;
    }

    /// <summary>Forgets an open file.</summary>
    /// <returns>True when it was the last one of its inode that could write.</returns>
    public bool Remove(ulong handle, out OpenFile file)
    {
        lock (_gate)
        {
            if (!TryFind(handle, out file))
            {
                return false;
            }
            _chunks[handle >> ChunkBits]![handle % ChunkLength] = default;
            _free.Push(handle);
            if (!file.CanWrite)
            {
                return false;
            }
            int left = _writers[file.Inode.Value] - 1;
            if (left > 0)
            {
                _writers[file.Inode.Value] = left;
                return false;
            }
            _writers.Remove(file.Inode.Value);
            return true;
        }
    }

    /// <summary>Whether anybody has the file open for writing: then the kernel may hold data of it that we have not
    /// seen.</summary>
    public bool HasWriters(InodeNumber inode)
    {
        lock (_gate)
        {
            return _writers.ContainsKey(inode.Value);
        }
    }

    /// <summary>Numbers of all inodes that are open.</summary>
    public HashSet<uint> Inodes()
    {
        lock (_gate)
        {
            var inodes = new HashSet<uint>();
            foreach (OpenFile[] chunk in _chunks.TakeWhile(static chunk => chunk is not null).OfType<OpenFile[]>())
            {
                inodes.UnionWith(chunk.Select(static file => file.Inode.Value));
            }
            return inodes;
        }
    }
}
