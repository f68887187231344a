using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>What the handlers that make something new share.</summary>
internal static class NewNode
{
    /// <summary>Where it will be, and whose.</summary>
    /// <returns>Stale, Overflow for an owner whom the image does not have, or Ok.</returns>
    public static Errno Begin(
        ServedVolume server, in InHeader header, uint umask, out InodeNumber directory, out Caller owner)
    {
        owner = default;
        return NodeIds.TryInode(server, header.NodeId, out directory)
            ? server.Ids.TryOwner(in header, umask, out owner)
            : Errno.Stale;
    }

    /// <summary>Appends the reply that makes the kernel know it.</summary>
    public static void Answer(
        ServedVolume server, InodeNumber directory, ref ReplyWriter reply, in InodeAttributes attributes) =>
        AttributeEncoder.Fill(server, ref reply.Append<EntryOut>(), in attributes,
            LookupHandler.MayCacheNames(server, directory));
}
