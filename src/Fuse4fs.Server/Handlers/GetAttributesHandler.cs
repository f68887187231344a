using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>GETATTR. One that names an open file comes before a write: see <see cref="FullFiles"/>.</summary>
internal static class GetAttributesHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out GetAttributesIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if ((request.Flags & GetAttributesIn.HandleValid) != 0 && server.Opens.TryFind(request.Handle, out OpenFile file)
            && server.Full.TakeFailure(server.Volume, inode, file.MayUseReserve))
        {
            return Errno.NoSpace;
        }
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            Answer(server, ref reply, in attributes);
        }
        return error;
    }

    /// <summary>Appends the reply to GETATTR and SETATTR.</summary>
    public static void Answer(ServedVolume server, ref ReplyWriter reply, in InodeAttributes attributes)
    {
        ref AttributesOut slot = ref reply.Append<AttributesOut>();
        slot.Valid = ServedVolume.ForEver;
        AttributeEncoder.Fill(out slot.Attributes, in attributes,
            (uint)server.Volume.Context.Geometry.BlockSizeBytes);
    }
}
