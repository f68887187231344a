using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>CREATE and TMPFILE: a new regular file, opened.</summary>
internal static class CreateHandler
{
    private const int PermissionMask = 0xfff;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out CreateIn request) || !body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        Errno error = NewNode.Begin(server, in header, request.Umask, out InodeNumber directory, out Caller caller);
        if (error != Errno.Ok)
        {
            return error;
        }
        var permissions = (ushort)(request.Mode & PermissionMask);
        error = header.Opcode == Opcode.TemporaryFile
            ? server.Volume.TemporaryFile(directory, permissions, in caller, out InodeAttributes attributes)
            : server.Volume.Create(directory, name, permissions, in caller, out attributes);
        if (error != Errno.Ok)
        {
            return error;
        }
        ulong handle = OpenHandler.Remember(server, in header, attributes.Number, (OpenFlags)request.Flags);
        if (handle == 0)
        {
            server.Volume.Release(attributes.Number);
            return Errno.TooManyOpenFiles;
        }
        OpenHandler.WatchRoom(server, handle);
        NewNode.Answer(server, directory, ref reply, in attributes);
        OpenHandler.Answer(ref reply, handle);
        return Errno.Ok;
    }
}
