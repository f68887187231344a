using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>LOOKUP: a name in a directory. "." finds a node by its id alone and ".." its parent: that is how the kernel
/// opens file handles (NFS, open_by_handle_at).</summary>
internal static class LookupHandler
{
    /// <summary>Names on disk; the kernel lets longer ones through.</summary>
    private const int LongestName = 255;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        if (name.Length > LongestName)
        {
            return Errno.NameTooLong;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber directory))
        {
            return Errno.Stale;
        }
        Errno error = name is [(byte)'.']
            ? server.Volume.GetAttributes(directory, out InodeAttributes attributes)
            : server.Volume.Lookup(directory, name, out attributes);
        bool mayCache = MayCacheNames(server, directory);
        if (error == Errno.NoEntry && mayCache)
        {
            reply.Append<EntryOut>().EntryValid = ServedVolume.ForEver;
            return Errno.Ok;
        }
        if (error == Errno.Ok)
        {
            Answer(server, ref reply, in attributes, mayCache);
        }
        return error;
    }

    /// <summary>Appends the reply that makes the kernel know a node, and counts it.</summary>
    public static void Answer(
        ServedVolume server, ref ReplyWriter reply, in InodeAttributes attributes, bool mayCacheName)
    {
        AttributeEncoder.Fill(server, ref reply.Append<EntryOut>(), in attributes, mayCacheName);
        server.Retain(attributes.Number);
    }

    /// <summary>The kernel's name cache tells "a" from "A": names of a casefolded directory must not be kept in it.
    /// </summary>
    public static bool MayCacheNames(ServedVolume server, InodeNumber directory) =>
        !server.HasCasefold
        || (server.Volume.GetAttributes(directory, out InodeAttributes attributes) == Errno.Ok
            && (attributes.Flags & InodeFlags.Casefold) == 0);
}
