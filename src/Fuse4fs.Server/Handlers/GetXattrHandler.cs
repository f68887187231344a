using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Identity;

namespace Fuse4fs.Server.Handlers;

/// <summary>GETXATTR.</summary>
internal static class GetXattrHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out GetXattrIn request) || !body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (XattrPolicy.IsRefused(server, name))
        {
            return Errno.NotSupported;
        }
        int room = (int)Math.Min(request.Size, (uint)reply.Free.Length);
        Errno error = server.Volume.GetXattr(inode, name, reply.Free[..room], out int length);
        if (error == Errno.Ok)
        {
            if (!server.Ids.IsIdentity && length <= room && XattrPolicy.IsAcl(name))
            {
                ListedIds.Show(server.Ids, reply.Free[..length]);
            }
            XattrPolicy.Answer(ref reply, request.Size, length);
        }
        return error;
    }
}
