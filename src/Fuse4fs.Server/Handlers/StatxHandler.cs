using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>STATX: what GETATTR tells, the birth time and the attribute bits.</summary>
internal static class StatxHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref ReplyWriter reply)
    {
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            AttributeEncoder.Fill(server, ref reply.Append<StatxOut>(), in attributes);
        }
        return error;
    }
}
