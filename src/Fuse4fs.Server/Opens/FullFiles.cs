using System.Collections.Concurrent;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server.Opens;

/// <summary>Files whose cached data found no space. With a write-back cache the kernel accepts data without asking, so a
/// program that never stops writing would never learn of a full disk. But before each write(2) the kernel makes sure
/// that it knows the file's mode: once its attributes are made invalid it asks for them, naming the open file, and an
/// error there is the write's error. Reading and stat(2) ask in other ways.</summary>
/// <remarks>Kernel: fuse_cache_write_iter, fuse_update_get_attr.</remarks>
internal sealed class FullFiles
{
    /// <summary>With fewer blocks than these left the disk counts as full.</summary>
    private const ulong FewBlocks = 16;

    private readonly ConcurrentDictionary<uint, byte> _files = [];

    /// <summary>A file's data found no space.</summary>
    public void Add(InodeNumber inode) => _files[inode.Value] = 0;

    /// <summary>The file was opened anew, or nobody writes to it any more: what was is no news to whoever writes next.
    /// </summary>
    public void Remove(InodeNumber inode)
    {
        if (!_files.IsEmpty)
        {
            _files.TryRemove(inode.Value, out _);
        }
    }

    /// <summary>Whether a write to the file is to fail. Once for each time its data found no space: the next write may be
    /// to blocks the file has.</summary>
    /// <param name="volume">Asked for its free space.</param>
    /// <param name="inode">Which file.</param>
    /// <param name="mayUseReserve">The writer may take blocks of the reserve.</param>
    public bool TakeFailure(Volume volume, InodeNumber inode, bool mayUseReserve)
    {
        if (_files.IsEmpty || !_files.TryRemove(inode.Value, out _))
        {
            return false;
        }
        VolumeStatistics statistics = volume.Statistics();
        return (mayUseReserve ? statistics.PrivilegedBlocks : statistics.AvailableBlocks) < FewBlocks;
    }
}
