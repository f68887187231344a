using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Identity;

namespace Fuse4fs.Server.Handlers;

/// <summary>SETXATTR and REMOVEXATTR.</summary>
internal static class SetXattrHandler
{
    private const uint CreateOnly = 1, ReplaceOnly = 2;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body)
    {
        SetXattrIn request;
        bool isWhole = server.Capabilities.Has(InitFlags.SetXattrExtended)
            ? body.TryTake(out request)
            : body.TryTakeShort(SetXattrIn.ShortBytes, out request);
        if (!isWhole || !body.TryTakeName(out ReadOnlySpan<byte> name)
            || !body.TryTakeBytes(request.Size, out ReadOnlySpan<byte> value))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (XattrPolicy.IsRefused(server, name))
        {
            return Errno.NotSupported;
        }
        if ((request.Flags & ~(CreateOnly | ReplaceOnly)) != 0)
        {
            return Errno.Invalid;
        }
        if (!server.Ids.IsIdentity && XattrPolicy.IsAcl(name))
        {
            byte[] list = value.ToArray();
            Errno unknown = ListedIds.ToImage(server.Ids, list);
            if (unknown != Errno.Ok)
            {
                return unknown;
            }
            value = list;
        }
        Caller caller = server.Ids.Asker(in header);
        XattrFlags flags = (XattrFlags)request.Flags
            | ((request.ExtendedFlags & SetXattrIn.AclKillsSetGid) != 0 ? XattrFlags.DropSetGroupId : XattrFlags.None);
        Errno error = server.Volume.SetXattr(inode, name, value, flags, in caller);
        XattrPolicy.TellOfChange(server, in header, name, error);
        return error;
    }

    public static Errno HandleRemove(ServedVolume server, in InHeader header, ref RequestReader body)
    {
        if (!body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (XattrPolicy.IsRefused(server, name))
        {
            return Errno.NotSupported;
        }
        Errno error = server.Volume.RemoveXattr(inode, name);
        XattrPolicy.TellOfChange(server, in header, name, error);
        return error;
    }
}
