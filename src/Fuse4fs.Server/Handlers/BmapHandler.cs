using System.Numerics;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>BMAP: where a block of a file lies on the device, 0 for what is not simply there (holes, unwritten blocks,
/// data inside the inode). Only mounts of type fuseblk ask: swap files.</summary>
/// <remarks>With a write-back cache newer kernels count in pages, whatever the volume's blocks are.</remarks>
internal static class BmapHandler
{
    private const uint MostBytes = 1 << 16;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        int blockSize = server.Volume.Context.Geometry.BlockSizeBytes;
        if (!body.TryTake(out BmapIn request) || request.BlockSize < blockSize || !BitOperations.IsPow2(request.BlockSize)
            || request.BlockSize > MostBytes)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = Find(server.Volume, inode, request.Block, request.BlockSize / (uint)blockSize, out ulong block);
        if (error == Errno.Ok)
        {
            reply.Append<BmapOut>().Block = block;
        }
        return error;
    }

    /// <summary>Several blocks that are asked for as one are there when they lie together, at a multiple of their number.
    /// </summary>
    private static Errno Find(Volume volume, InodeNumber inode, ulong unit, uint blocksPerUnit, out ulong found)
    {
        found = 0;
        if (unit > ulong.MaxValue / MostBytes)
        {
            return Errno.Ok;
        }
        ulong first = 0;
        for (uint i = 0; i < blocksPerUnit; i++)
        {
            Errno error = volume.BlockMap(inode, (unit * blocksPerUnit) + i, out ulong block);
            if (error != Errno.Ok)
            {
                return error;
            }
            first = i == 0 ? block : first;
            if (block == 0 || block != first + i || first % blocksPerUnit != 0)
            {
                return Errno.Ok;
            }
        }
        found = first / blocksPerUnit;
        return Errno.Ok;
    }
}
