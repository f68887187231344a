using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>SYMLINK: first the new name, then what it points to.</summary>
internal static class SymlinkHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTakeName(out ReadOnlySpan<byte> name) || !body.TryTakeName(out ReadOnlySpan<byte> target))
        {
            return Errno.Invalid;
        }
        Errno error = NewNode.Begin(server, in header, umask: 0, out InodeNumber directory, out Caller caller);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = server.Volume.Symlink(directory, name, target, in caller, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            NewNode.Answer(server, directory, ref reply, in attributes);
        }
        return error;
    }
}
