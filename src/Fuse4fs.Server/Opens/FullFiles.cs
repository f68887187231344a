using System.Collections.Concurrent;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Opens;

/// <summary>Files that grow while the disk is nearly full. With a write-back cache the kernel accepts data without asking,
/// so a program would learn too late that there is no room, or never. But before each write(2) the kernel makes sure
/// that it knows the file's mode: while its attributes are invalid it asks for them, naming the open file. There the
/// server has what is cached written first, so that it knows the room, and an error there is the write's error. Reading
/// and stat(2) ask in other ways.</summary>
/// <remarks>Kernel: fuse_cache_write_iter, fuse_update_get_attr. What one write(2) accepts beyond the room goes into the
/// pool that is kept for this: <see cref="Ext4.Allocation.SpaceClaim.AcceptedOrdinary"/>.</remarks>
internal sealed class FullFiles
{
    private readonly ConcurrentDictionary<uint, bool> _files = [];

    /// <summary>How many: mostly none, which must cost nothing to find out.</summary>
    private int _count;

    /// <summary>How much data of a mount the kernel may hold that the server has not seen, bytes: with less room than
    /// that, room has to be made sure of.</summary>
    public ulong UnseenBytes { get; set; }

    /// <summary>Whether what the kernel holds may be more than there is room for.</summary>
    public bool IsClose(Volume volume, bool mayUseReserve) => volume.RoomBytes(mayUseReserve) < UnseenBytes;

    /// <summary>A file has grown while the disk is nearly full, or its data found no room.</summary>
    /// <returns>True when that is news.</returns>
    public bool Add(InodeNumber inode) => TryAdd(inode, wasWritten: true);

    /// <summary>An empty file was opened for writing while the disk is nearly full: the kernel holds nothing of it yet.
    /// </summary>
    public void AddEmpty(InodeNumber inode) => TryAdd(inode, wasWritten: false);

    /// <summary>Whether the file's writers are to be asked about: its attributes are then told for one use only.</summary>
    public bool Contains(InodeNumber inode) =>
        Volatile.Read(ref _count) != 0 && _files.ContainsKey(inode.Value);

    /// <summary>Before a write to the file: from now on the kernel may hold data of it.</summary>
    /// <param name="inode">The file.</param>
    /// <param name="wasWritten">It may have before.</param>
    /// <returns>False when its writers need not be asked about.</returns>
    public bool BeginWrite(InodeNumber inode, out bool wasWritten)
    {
        wasWritten = false;
        if (Volatile.Read(ref _count) == 0 || !_files.TryGetValue(inode.Value, out wasWritten))
        {
            return false;
        }
        if (!wasWritten)
        {
            _files.TryUpdate(inode.Value, true, false);
        }
        return true;
    }

    /// <summary>The file was opened anew, nobody writes to it any more, its writer has been told, or there is room again.
    /// A writer is told once: his next write may be to blocks the file has.</summary>
    public void Remove(InodeNumber inode)
    {
        if (Volatile.Read(ref _count) != 0 && _files.TryRemove(inode.Value, out _))
        {
            Interlocked.Decrement(ref _count);
        }
    }

    private bool TryAdd(InodeNumber inode, bool wasWritten)
    {
        // Counted first: whoever reads the count after the addition finds the file.
        Interlocked.Increment(ref _count);
        if (_files.TryAdd(inode.Value, wasWritten))
        {
            return true;
        }
        Interlocked.Decrement(ref _count);
        if (wasWritten)
        {
            _files.TryUpdate(inode.Value, true, false);
        }
        return false;
    }
}
