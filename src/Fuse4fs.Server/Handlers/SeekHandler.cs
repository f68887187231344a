using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>LSEEK for SEEK_HOLE and SEEK_DATA. The kernel asks without writing back what its cache holds, so while
/// anybody can write to the file a truthful answer could make a copying program skip data: no answer then.</summary>
internal static class SeekHandler
{
    private const uint SeekData = 3, SeekHole = 4;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out SeekIn request) || request.Whence is not (SeekData or SeekHole))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (server.Opens.HasWriters(inode))
        {
            return Errno.NotSupported;
        }
        if (request.Offset > long.MaxValue)
        {
            return Errno.NoDeviceAddress;
        }
        Errno error = server.Volume.Seek(inode, (long)request.Offset,
            request.Whence == SeekData ? SeekKind.Data : SeekKind.Hole, out long result);
        if (server.Opens.HasWriters(inode))
        {
            // Opened meanwhile: what he wrote so far may be in the kernel's cache alone.
            return Errno.NotSupported;
        }
        if (error == Errno.Ok)
        {
            reply.Append<SeekOut>().Offset = (ulong)result;
        }
        return error;
    }
}
