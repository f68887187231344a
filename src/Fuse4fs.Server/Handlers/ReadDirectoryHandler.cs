using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>READDIR: names, inode numbers and types.</summary>
internal static class ReadDirectoryHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out ReadIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber directory))
        {
            return Errno.Stale;
        }
        var sink = new PlainSink(new DirectoryListWriter(ref reply, request.Size));
        return server.Volume.ReadDirectory(directory, request.Offset, ref sink);
    }

    private ref struct PlainSink(DirectoryListWriter list) : IDirectorySink
    {
        private DirectoryListWriter _list = list;

        public bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie) =>
            _list.TryAdd(inode.Value, DirectoryTypes.Shown(type), name, nextCookie);
    }
}
