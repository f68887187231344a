using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>RENAME and RENAME2.</summary>
internal static class RenameHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body)
    {
        Rename2In request = default;
        if (header.Opcode == Opcode.Rename)
        {
            if (!body.TryTake(out RenameIn old))
            {
                return Errno.Invalid;
            }
            request.NewDirectory = old.NewDirectory;
        }
        else if (!body.TryTake(out request))
        {
            return Errno.Invalid;
        }
        if (!body.TryTakeName(out ReadOnlySpan<byte> oldName) || !body.TryTakeName(out ReadOnlySpan<byte> newName))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber from)
            || !NodeIds.TryInode(server, request.NewDirectory, out InodeNumber to))
        {
            return Errno.Stale;
        }
        Caller caller = server.Ids.Asker(in header);
        if (((RenameFlags)request.Flags & RenameFlags.Whiteout) != 0)
        {
            // What is left in the old place is the caller's.
            Errno error = server.Ids.TryOwner(in header, umask: 0, out caller);
            if (error != Errno.Ok)
            {
                return error;
            }
            caller = caller with { Retains = false };
        }
        return server.Volume.Rename(from, oldName, to, newName, (RenameFlags)request.Flags, in caller);
    }
}
