using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>READLINK: the target, without a NUL.</summary>
internal static class ReadLinkHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref ReplyWriter reply)
    {
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = server.Volume.ReadLink(inode, reply.Free, out int length);
        if (error == Errno.Ok)
        {
            reply.Advance(length);
        }
        return error;
    }
}
