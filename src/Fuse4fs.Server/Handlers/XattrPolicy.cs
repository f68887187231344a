using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Handlers;

/// <summary>What the handlers of extended attributes share.</summary>
internal static class XattrPolicy
{
    /// <summary>With noacl, access control lists do not exist.</summary>
    public static bool IsRefused(ServedVolume server, ReadOnlySpan<byte> name) =>
        !server.Options.AccessControlLists && name.StartsWith("system.posix_acl_"u8);

    /// <summary>Appends the length when that was asked for (room 0), else counts what is already in the reply.</summary>
    public static void Answer(ref ReplyWriter reply, uint room, int length)
    {
        if (room == 0)
        {
            reply.Append<GetXattrOut>().Size = (uint)length;
        }
        else
        {
            reply.Advance(length);
        }
    }
}
