using System.Runtime.InteropServices;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
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
            && file.CanWrite && file.Inode == inode && server.Full.BeginWrite(inode, out bool wasWritten)
            && (wasWritten || server.Volume.RoomBytes(file.MayUseReserve) == 0))
        {
            DeferredReply later = reply.Defer(in header);
            ulong nodeId = header.NodeId;
            LongWork.Run(server, later, _ => MakeSureOfRoom(server, nodeId, file, later));
            return Errno.Ok;
        }
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            Answer(server, ref reply, in attributes);
        }
        return error;
    }

    /// <summary>Before a write to a file that grows on a nearly full disk.</summary>
    private static void MakeSureOfRoom(ServedVolume server, ulong nodeId, OpenFile file, DeferredReply later)
    {
        if (server.Full.IsClose(server.Volume, file.MayUseReserve))
        {
            // Writes back what is cached.
            _ = server.Notifier.InvalidateInode(nodeId, 0, 0);
            if (!server.Volume.HasRoom(file.MayUseReserve))
            {
                server.Full.Remove(file.Inode);
                later.Complete(Errno.NoSpace);
                return;
            }
        }
        else
        {
            server.Full.Remove(file.Inode);
        }
        Errno error = server.Volume.GetAttributes(file.Inode, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            Answer(server, later, in attributes);
        }
        else
        {
            later.Complete(error);
        }
    }

    /// <summary>Answers GETATTR or SETATTR later.</summary>
    public static void Answer(ServedVolume server, DeferredReply later, in InodeAttributes attributes)
    {
        var answer = new AttributesOut { Valid = server.AttributesValid(attributes.Number) };
        AttributeEncoder.Fill(server, out answer.Attributes, in attributes);
        later.Complete(MemoryMarshal.AsBytes(new ReadOnlySpan<AttributesOut>(in answer)));
    }

    /// <summary>Appends the reply to GETATTR and SETATTR.</summary>
    public static void Answer(ServedVolume server, ref ReplyWriter reply, in InodeAttributes attributes)
    {
        ref AttributesOut slot = ref reply.Append<AttributesOut>();
        slot.Valid = server.AttributesValid(attributes.Number);
        AttributeEncoder.Fill(server, out slot.Attributes, in attributes);
    }
}
