using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>ACCESS: arrives only where the kernel does not check permissions itself, with fakeroot and on the
/// superuser's private mounts: everything is allowed, but executing a file that nobody may execute.</summary>
internal static class AccessHandler
{
    private const uint Execute = 1;
    private const int AnyExecute = 0x49;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body)
    {
        if (!body.TryTake(out AccessIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        bool isRefused = (request.Mask & Execute) != 0 && attributes.Kind == FileKind.Regular
            && (attributes.Mode & AnyExecute) == 0;
        return error == Errno.Ok && isRefused ? Errno.AccessDenied : error;
    }
}
