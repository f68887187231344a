using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Handlers;

/// <summary>Set-id bits at FALLOCATE and COPY_FILE_RANGE: the kernel leaves them to the server and has no flag to say who
/// may keep them. CAP_FSETID is not on the wire either: root may.</summary>
internal static class SetIdBits
{
    private const int SetGroupId = 0x400;

    /// <summary>The options with which a file is changed for a caller.</summary>
    public static WriteOptions ChangedBy(
        ServedVolume server, in InHeader header, InodeNumber inode, bool mayUseReserve)
    {
        bool kills = header.Uid != 0;
        bool isOutside = kills && server.Volume.GetAttributes(inode, out InodeAttributes attributes) == Errno.Ok
            && (attributes.Mode & SetGroupId) != 0 && !RequestCaller.IsOfGroup(in header, server.Ids.Group(attributes.GroupId));
        return new WriteOptions
        {
            MayUseReserve = mayUseReserve,
            KeepsTimes = server.KernelKeepsTimes,
            KillsPrivileges = kills,
            IsOutsideGroup = isOutside,
        };
    }
}
