using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>FALLOCATE: plain, keep-size, punch-hole and zero-range; the kernel lets no other mode through.</summary>
internal static class FallocateHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out FallocateIn request) || request.Offset > long.MaxValue || request.Length > long.MaxValue)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        bool mayUseReserve = server.Opens.TryFind(request.Handle, out OpenFile file) && file.MayUseReserve;
        WriteOptions options = server.Iomap is null
            ? SetIdBits.ChangedBy(server, in header, inode, mayUseReserve)
            : new WriteOptions { MayUseReserve = mayUseReserve, IsDelegated = true };
        const FallocateMode moving = FallocateMode.CollapseRange | FallocateMode.InsertRange;
        long changed = ((FallocateMode)request.Mode & moving) == 0 ? (long)request.Length : long.MaxValue;
        if (IsLong(server, inode, in request))
        {
            IomapChange mappings = IomapChange.None;
            Errno error = server.Iomap?.BeginChange(inode, (long)request.Offset, changed, out mappings) ?? Errno.Ok;
            if (error != Errno.Ok)
            {
                return error;
            }
            DeferredReply later = reply.Defer(in header);
            LongWork.Run(server, later, _ =>
            {
                using (mappings)
                {
                    later.Complete(AllocateOrReclaim(server, inode, request, options));
                }
            });
            return Errno.Ok;
        }
        Errno dropped = server.Iomap?.ChangeUntilReply(inode, (long)request.Offset, changed) ?? Errno.Ok;
        return dropped == Errno.Ok ? Allocate(server, inode, in request, in options) : dropped;
    }

    /// <summary>Whether many blocks may have to be found, converted or freed.</summary>
    private static bool IsLong(ServedVolume server, InodeNumber inode, in FallocateIn request) =>
        request.Length >= LongWork.LongBytes
        && ((FallocateMode)request.Mode != (FallocateMode.PunchHole | FallocateMode.KeepSize)
            || (server.Volume.GetAttributes(inode, out InodeAttributes attributes) == Errno.Ok
                && LongWork.IsLong(in attributes)));

    private static Errno Allocate(
        ServedVolume server, InodeNumber inode, in FallocateIn request, in WriteOptions options)
    {
        Errno error = server.Volume.Allocate(
            inode, (FallocateMode)request.Mode, (long)request.Offset, (long)request.Length, in options);
        if (options.KillsPrivileges)
        {
            server.ForgetAttributes(NodeIds.OfInode(inode));
        }
        return error;
    }

    /// <summary>Tries again once, as the request loop does for requests that are answered at once.</summary>
    private static Errno AllocateOrReclaim(
        ServedVolume server, InodeNumber inode, in FallocateIn request, in WriteOptions options)
    {
        Errno error = Allocate(server, inode, in request, in options);
        return error == Errno.NoSpace && server.Volume.TryReclaimSpace(null)
            ? Allocate(server, inode, in request, in options)
            : error;
    }
}
