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
    private readonly ConcurrentDictionary<uint, byte> _files = [];

    /// <summary>How much data of a mount the kernel may hold that the server has not seen, bytes: with less room than
    /// that, room has to be made sure of.</summary>
    public ulong UnseenBytes { get; set; }

    /// <summary>Whether what the kernel holds may be more than there is room for.</summary>
    public bool IsClose(Volume volume, bool mayUseReserve) => volume.RoomBytes(mayUseReserve) < UnseenBytes;

    /// <summary>A file has grown while the disk is nearly full, or its data found no room.</summary>
    /// <returns>True when that is news.</returns>
    public bool Add(InodeNumber inode) => _files.TryAdd(inode.Value, 0);

    /// <summary>Whether the file's writers are to be asked about.</summary>
    public bool Contains(InodeNumber inode) => !_files.IsEmpty && _files.ContainsKey(inode.Value);

    /// <summary>The file was opened anew, nobody writes to it any more, its writer has been told, or there is room again.
    /// A writer is told once: his next write may be to blocks the file has.</summary>
    public void Remove(InodeNumber inode)
    {
        if (!_files.IsEmpty)
        {
            _files.TryRemove(inode.Value, out _);
        }
    }
}
