using System.Runtime.InteropServices;
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
        // Of a direct write the kernel takes a partial success for EIO (fs/fuse/file.c, fuse_get_res_by_io).
        bool isDirect = !isCached && (request.WriteFlags & WriteFlags.LockOwner) != 0;
        if (error != Errno.Ok && (isCached || isDirect || written == 0))
        {
            return error;
        }
        if (isDirect && written > 0 && server.Direct.MayBeCached(inode))
        {
            InvalidateAndAnswer(server, in header, (long)request.Offset, written, ref reply);
            return Errno.Ok;
        }
        reply.Append<WriteOut>().Size = (uint)written;
        return Errno.Ok;
    }

    /// <summary>Drops what the kernel has read into its cache while a direct write was on its way, before anybody learns
    /// that the write is done. Not for a write through the cache, which names no lock owner: its pages are locked until it
    /// is answered.</summary>
    private static void InvalidateAndAnswer(
        ServedVolume server, in InHeader header, long offset, int written, ref ReplyWriter reply)
    {
        ulong nodeId = header.NodeId;
        DeferredReply later = reply.Defer(in header);
        void Answer()
        {
            var done = new WriteOut { Size = (uint)written };
            later.Complete(MemoryMarshal.AsBytes(new ReadOnlySpan<WriteOut>(in done)));
        }

        void Invalidate(CancellationToken cancellation)
        {
            try
            {
                _ = server.Notifier.InvalidateInode(nodeId, offset, written);
            }
            finally
            {
                Answer();
            }
        }

        if (!server.Invalidations.TryAdd(Invalidate))
        {
            Answer();
        }
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
