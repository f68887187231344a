using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>MKDIR.</summary>
internal static class MakeDirectoryHandler
{
    private const int PermissionMask = 0xfff;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out MakeDirectoryIn request) || !body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        Errno error = NewNode.Begin(server, in header, request.Umask, out InodeNumber directory, out Caller caller);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = server.Volume.MakeDirectory(directory, name, (ushort)(request.Mode & PermissionMask), in caller,
            out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            NewNode.Answer(server, directory, ref reply, in attributes);
        }
        return error;
    }
}
