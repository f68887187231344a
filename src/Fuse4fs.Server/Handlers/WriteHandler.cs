using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>WRITE. Data out of the kernel's cache is flagged: its owner keeps size and times and sets them later; it
/// names no caller, and a partial success would go unnoticed, so it counts as the error that stopped it.</summary>
internal static class WriteHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out WriteIn request) || request.Offset > long.MaxValue
            || !body.TryTakeBytes(request.Size, out ReadOnlySpan<byte> data))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        bool isCached = (request.WriteFlags & WriteFlags.Cache) != 0;
        var options = new WriteOptions
        {
            MayUseReserve = server.Opens.TryFind(request.Handle, out OpenFile file) && file.MayUseReserve,
            IsCached = isCached,
            KillsPrivileges = (request.WriteFlags & WriteFlags.KillSetIds) != 0,
        };
        bool isClose = isCached && server.Full.IsClose(server.Volume, options.MayUseReserve);
        InodeAttributes before = default;
        if (isClose || options.KillsPrivileges)
        {
            _ = server.Volume.GetAttributes(inode, out before);
        }
        Errno error = server.Volume.Write(inode, (long)request.Offset, data, in options, out int written);
        if (before.Number == inode)
        {
            Tell(server, header.NodeId, in before, isClose);
        }
        if (error != Errno.Ok && (isCached || written == 0))
        {
            return error;
        }
        reply.Append<WriteOut>().Size = (uint)written;
        return Errno.Ok;
    }

    /// <summary>What the kernel would not know otherwise: that set-id bits are gone, and that the next write should be
    /// asked about (<see cref="FullFiles"/>).</summary>
    private static void Tell(ServedVolume server, ulong nodeId, in InodeAttributes before, bool isClose)
    {
        if (server.Volume.GetAttributes(before.Number, out InodeAttributes after) == Errno.Ok
            && (after.Mode != before.Mode
                || (isClose && after.Sectors > before.Sectors && server.Full.Add(before.Number))))
        {
            server.ForgetAttributes(nodeId);
        }
    }
}
