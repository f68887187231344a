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
        bool mayCache = MayCacheNames(server, directory);
        Errno error = Find(server, directory, name, out InodeAttributes attributes);
        if (error == Errno.NoEntry && mayCache)
        {
            reply.Append<EntryOut>().EntryValid = ServedVolume.ForEver;
            return Errno.Ok;
        }
        if (error == Errno.Ok)
        {
            AttributeEncoder.Fill(server, ref reply.Append<EntryOut>(), in attributes, mayCache);
        }
        return error;
    }

    /// <summary>What is found the kernel will know: retained, where it could be removed.</summary>
    private static Errno Find(
        ServedVolume server, InodeNumber directory, ReadOnlySpan<byte> name, out InodeAttributes attributes)
    {
        if (name is not [(byte)'.'])
        {
            return server.IsReadOnly
                ? server.Volume.Lookup(directory, name, out attributes)
                : server.Volume.LookupAndRetain(directory, name, out attributes);
        }
        return server.IsReadOnly
            ? server.Volume.GetAttributes(directory, out attributes)
            : server.Volume.GetAttributesAndRetain(directory, out attributes);
    }

    /// <summary>The kernel's name cache tells "a" from "A": names of a casefolded directory must not be kept in it. Nor
    /// those of other directories while anything can change: it takes names along into casefolded ones when they are
    /// renamed, and remembers names that were missing before a directory became casefolded.</summary>
    public static bool MayCacheNames(ServedVolume server, InodeNumber directory) =>
        !server.HasCasefold
        || (server.IsReadOnly
            && server.Volume.GetAttributes(directory, out InodeAttributes attributes) == Errno.Ok
            && (attributes.Flags & InodeFlags.Casefold) == 0);
}
