using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>What the handlers of extended attributes share.</summary>
internal static class XattrPolicy
{
    /// <summary>With noacl, access control lists do not exist.</summary>
    public static bool IsRefused(ServedVolume server, ReadOnlySpan<byte> name) =>
        !server.Options.AccessControlLists && IsAcl(name);

    /// <summary>An access control list may have changed the mode. The kernel asks for it only where it enforces the list.
    /// </summary>
    public static void TellOfChange(ServedVolume server, in InHeader header, ReadOnlySpan<byte> name, Errno error)
    {
        const long attributesOnly = -1;
        if (error == Errno.Ok && IsAcl(name) && !server.Capabilities.Has(InitFlags.PosixAcl))
        {
            _ = server.Notifier.InvalidateInode(header.NodeId, attributesOnly, 0);
        }
    }

    /// <summary>system.posix_acl_access and system.posix_acl_default.</summary>
    public static bool IsAcl(ReadOnlySpan<byte> name) => name.StartsWith("system.posix_acl_"u8);

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
