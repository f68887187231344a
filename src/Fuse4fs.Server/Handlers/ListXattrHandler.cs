using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>LISTXATTR: names with their prefix, each with a NUL; those of trusted.* for root alone, because
/// the kernel does not filter them.</summary>
internal static class ListXattrHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out GetXattrIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        int room = (int)Math.Min(request.Size, (uint)reply.Free.Length);
        Errno error = server.Volume.ListXattr(inode, header.Uid == 0, reply.Free[..room], out int length);
        if (error == Errno.Ok)
        {
            XattrPolicy.Answer(ref reply, request.Size, length);
        }
        return error;
    }
}
