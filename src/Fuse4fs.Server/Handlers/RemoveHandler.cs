using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>UNLINK and RMDIR. What the kernel still knows lives on until it forgets it.</summary>
internal static class RemoveHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body)
    {
        if (!body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber directory))
        {
            return Errno.Stale;
        }
        return header.Opcode == Opcode.RemoveDirectory
            ? server.Volume.RemoveDirectory(directory, name)
            : server.Volume.Unlink(directory, name);
    }
}
