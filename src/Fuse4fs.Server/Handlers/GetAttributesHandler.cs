using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>GETATTR.</summary>
internal static class GetAttributesHandler
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
