using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>LINK: another name for a file. The kernel counts the reply as one more lookup of it.</summary>
internal static class LinkHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out LinkIn request) || !body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber directory)
            || !NodeIds.TryInode(server, request.OldNodeId, out InodeNumber target))
        {
            return Errno.Stale;
        }
        // The kernel counts the reply as a lookup of the file it knows already: the caller retains it once more.
        Caller caller = server.Ids.Asker(in header, retains: true);
        Errno error = server.Volume.Link(target, directory, name, in caller, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            NewNode.Answer(server, directory, ref reply, in attributes);
        }
        return error;
    }
}
