using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;

namespace Fuse4fs.Server.Handlers;

/// <summary>LSEEK for SEEK_HOLE and SEEK_DATA. The kernel asks without writing back what its cache holds, and a truthful
/// answer would then make a copying program skip data: while anybody can write to the file, the cache is written back
/// first.</summary>
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
        if (request.Offset > long.MaxValue)
        {
            return Errno.NoDeviceAddress;
        }
        var offset = (long)request.Offset;
        SeekKind kind = request.Whence == SeekData ? SeekKind.Data : SeekKind.Hole;
        if (!server.Opens.HasWriters(inode))
        {
            Errno error = server.Volume.Seek(inode, offset, kind, out long result);
            // Opened meanwhile, what was written so far may be in the kernel's cache alone.
            if (!server.Opens.HasWriters(inode))
            {
                if (error == Errno.Ok)
                {
                    reply.Append<SeekOut>().Offset = (ulong)result;
                }
                return error;
            }
        }
        DeferredReply later = reply.Defer(in header);
        LongWork.Run(server, later, _ => SeekWritten(server, inode, offset, kind, later));
        return Errno.Ok;
    }

    private static void SeekWritten(
        ServedVolume server, InodeNumber inode, long offset, SeekKind kind, DeferredReply later)
    {
        _ = server.Notifier.InvalidateInode(NodeIds.OfInode(inode), 0, 0);
        Errno error = server.Volume.Seek(inode, offset, kind, out long result);
        if (error != Errno.Ok)
        {
            later.Complete(error);
            return;
        }
        var answer = new SeekOut { Offset = (ulong)result };
        later.Complete(MemoryMarshal.AsBytes(new ReadOnlySpan<SeekOut>(in answer)));
    }
}
