using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Server;

/// <summary>Node ids of FUSE and inode numbers of ext4: the same, except the root, which is 1 there and 2 here.</summary>
internal static class NodeIds
{
    private const ulong FuseRoot = 1;

    /// <summary>The inode a request is about. False for a number that no request of ours can have led to: answered
    /// with ESTALE, because a file handle from elsewhere may contain anything.</summary>
    public static bool TryInode(ServedVolume server, ulong nodeId, out InodeNumber inode)
    {
        if (nodeId == FuseRoot)
        {
            inode = InodeNumber.Root;
            return true;
        }
        Geometry geometry = server.Volume.Context.Geometry;
        bool isValid = nodeId >= geometry.FirstInode.Value && nodeId <= geometry.InodeCount;
        inode = isValid ? new InodeNumber((uint)nodeId) : InodeNumber.None;
        return isValid;
    }

    /// <summary>What the kernel is told.</summary>
    public static ulong OfInode(InodeNumber inode) => inode == InodeNumber.Root ? FuseRoot : inode.Value;
}
