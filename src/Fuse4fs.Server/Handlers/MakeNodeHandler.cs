using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>MKNOD: device nodes, fifos, sockets, and regular files of old programs.</summary>
internal static class MakeNodeHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out MakeNodeIn request) || !body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        Errno error = NewNode.Begin(server, in header, request.Umask, out InodeNumber directory, out Caller caller);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = server.Volume.MakeNode(directory, name, (ushort)request.Mode, Decode(request.DeviceNumber),
            in caller, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            NewNode.Answer(server, directory, ref reply, in attributes);
        }
        return error;
    }

    /// <summary>new_decode_dev: minor 0..7, major 8..19, minor 20..31.</summary>
    private static DeviceNumber Decode(uint device) =>
        new((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00));
}
