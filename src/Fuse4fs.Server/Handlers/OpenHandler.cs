using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>OPEN. Where it has nothing to check and nothing to remember it answers "not implemented" once, and the kernel
/// opens and closes without us from then on.</summary>
internal static class OpenHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (server.MayOpenSilently)
        {
            return Errno.NotImplemented;
        }
        if (!body.TryTake(out OpenIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        if (error == Errno.Ok && (attributes.Flags & InodeFlags.Encrypted) != 0)
        {
            error = Errno.NoKey;
        }
        if (error == Errno.Ok)
        {
            reply.Append<OpenOut>().Flags = OpenReplyFlags.KeepCache;
        }
        return error;
    }

    /// <summary>OPENDIR: nothing to do, and listings stay cached.</summary>
    public static Errno HandleDirectory(ServedVolume server, ref ReplyWriter reply)
    {
        if (server.Capabilities.Has(InitFlags.NoOpenDirectorySupport))
        {
            return Errno.NotImplemented;
        }
        reply.Append<OpenOut>().Flags = OpenReplyFlags.KeepCache | OpenReplyFlags.CacheDirectory;
        return Errno.Ok;
    }
}
