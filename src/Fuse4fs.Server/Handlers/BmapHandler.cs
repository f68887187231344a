using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>BMAP: where a block of a file lies on the device, 0 for what is not simply there (holes, unwritten blocks,
/// data inside the inode). Only mounts of type fuseblk ask: swap files.</summary>
internal static class BmapHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        int blockSize = server.Volume.Context.Geometry.BlockSizeBytes;
        if (!body.TryTake(out BmapIn request) || request.BlockSize != blockSize)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = server.Volume.BlockMap(inode, request.Block, out ulong block);
        if (error == Errno.Ok)
        {
            reply.Append<BmapOut>().Block = block;
        }
        return error;
    }
}
