using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;

namespace Fuse4fs.Server.Opens;

/// <summary>Files of which the kernel may hold data that it has not written back: opened for writing at some time and not
/// forgotten since. Kept where the mount is somebody else's: at the end we can neither sync nor unmount it, only have
/// the kernel write back file by file.</summary>
internal sealed class WrittenFiles
{
    private readonly Lock _gate = new();
    private readonly HashSet<uint> _inodes = [];

    public void Add(InodeNumber inode)
    {
        lock (_gate)
        {
            _inodes.Add(inode.Value);
        }
    }

    public void Remove(InodeNumber inode)
    {
        lock (_gate)
        {
            _inodes.Remove(inode.Value);
        }
    }

    /// <summary>Returns when the kernel has sent what it held. The workers have to serve on meanwhile.</summary>
    public void WriteBack(FuseNotifier notifier)
    {
        uint[] inodes;
        lock (_gate)
        {
            inodes = [.. _inodes];
        }
        foreach (uint inode in inodes)
        {
            _ = notifier.InvalidateInode(NodeIds.OfInode(new InodeNumber(inode)), 0, 0);
        }
    }
}
