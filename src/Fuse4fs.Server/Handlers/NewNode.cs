using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Handlers;

/// <summary>What the handlers that make something new share.</summary>
internal static class NewNode
{
    /// <summary>Appends the reply that makes the kernel know it.</summary>
    public static void Answer(
        ServedVolume server, InodeNumber directory, ref ReplyWriter reply, in InodeAttributes attributes) =>
        AttributeEncoder.Fill(server, ref reply.Append<EntryOut>(), in attributes,
            LookupHandler.MayCacheNames(server, directory));
}
