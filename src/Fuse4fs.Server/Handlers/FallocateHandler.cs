using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>FALLOCATE: plain, keep-size, punch-hole and zero-range; the kernel lets no other mode through.</summary>
internal static class FallocateHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body)
    {
        if (!body.TryTake(out FallocateIn request) || request.Offset > long.MaxValue || request.Length > long.MaxValue)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        var options = new WriteOptions
        {
            MayUseReserve = server.Opens.TryFind(request.Handle, out OpenFile file) && file.MayUseReserve,
            // The kernel leaves set-id bits to us here, too, and has no flag to say so; CAP_FSETID is not on the wire.
            KillsPrivileges = header.Uid != 0,
        };
        return server.Volume.Allocate(inode, (FallocateMode)request.Mode, (long)request.Offset, (long)request.Length,
            in options);
    }
}
