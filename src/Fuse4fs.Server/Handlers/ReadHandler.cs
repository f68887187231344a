using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Data;

namespace Fuse4fs.Server.Handlers;

/// <summary>READ of a regular file. A short answer means the end of the file.</summary>
internal static class ReadHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out ReadIn request) || request.Offset > long.MaxValue)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (!server.IsReadOnly && (request.ReadFlags & ReadIn.HasLockOwner) == 0)
        {
            server.Direct.IsBeingCached(inode);
        }
        int size = (int)Math.Min(request.Size, (uint)reply.Free.Length);
        Errno error = DataReplies.Append(server.Volume, inode, (long)request.Offset, size, ref reply);
        if (error == Errno.Ok && server.Iomap is not null && reply.Length == 0)
        {
            // Data inside the inode: an empty answer would be an error to the kernel.
            reply.Append<byte>();
        }
        return error;
    }
}
