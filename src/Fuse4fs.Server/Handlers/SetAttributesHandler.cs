using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>SETATTR: chmod, chown, truncate, utimes, and the times of files whose writes stayed in the kernel's cache.
/// </summary>
internal static class SetAttributesHandler
{
    private const int PermissionMask = 0xfff;

    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out SetAttributesIn request) || request.Size > long.MaxValue)
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        AttributeChange change = Decode(server, in header, in request);
        Errno error = server.Ids.ToImage(ref change);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (change.SizeBytes is long size && IsLongTruncate(server, inode, size))
        {
            IomapChange mappings = IomapChange.None;
            error = server.Iomap?.BeginChange(inode, size, long.MaxValue, out mappings) ?? Errno.Ok;
            if (error != Errno.Ok)
            {
                return error;
            }
            DeferredReply later = reply.Defer(in header);
            LongWork.Run(server, later, _ =>
            {
                using (mappings)
                {
                    ChangeLater(server, inode, change, later);
                }
            });
            return Errno.Ok;
        }
        if (change.SizeBytes is long newSize)
        {
            error = server.Iomap?.ChangeUntilReply(inode, newSize, long.MaxValue) ?? Errno.Ok;
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        error = server.Volume.SetAttributes(inode, in change, out InodeAttributes attributes);
        if (error == Errno.Ok)
        {
            GetAttributesHandler.Answer(server, ref reply, in attributes);
        }
        return error;
    }

    private static AttributeChange Decode(ServedVolume server, in InHeader header, in SetAttributesIn request)
    {
        SetAttributesFlags valid = request.Valid;
        OpenFile file = default;
        bool isOpen = Has(valid, SetAttributesFlags.Handle) && server.Opens.TryFind(request.Handle, out file);
        bool isDelegated = server.Iomap is not null;
        return new AttributeChange
        {
            Permissions = Has(valid, SetAttributesFlags.Mode) ? (ushort)(request.Mode & PermissionMask) : null,
            UserId = Has(valid, SetAttributesFlags.Uid) ? request.Uid : null,
            GroupId = Has(valid, SetAttributesFlags.Gid) ? request.Gid : null,
            SizeBytes = Has(valid, SetAttributesFlags.Size) ? (long)request.Size : null,
            // Whoever keeps the times has set them already, and says what the present was.
            AccessTime = Time(valid, SetAttributesFlags.AccessTime,
                isDelegated ? SetAttributesFlags.None : SetAttributesFlags.AccessTimeNow,
                request.AccessTime, request.AccessTimeNanoseconds),
            ModificationTime = Time(valid, SetAttributesFlags.ModifyTime,
                isDelegated ? SetAttributesFlags.None : SetAttributesFlags.ModifyTimeNow,
                request.ModifyTime, request.ModifyTimeNanoseconds),
            ChangeTime = Time(valid, SetAttributesFlags.ChangeTime, SetAttributesFlags.None,
                request.ChangeTime, request.ChangeTimeNanoseconds),
            KillsPrivileges = !isDelegated && Has(valid, SetAttributesFlags.KillSetIds),
            IsDelegated = isDelegated,
            KeepsTimes = server.KernelKeepsTimes,
            IsFromWriter = isOpen && file.CanWrite,
            MayUseReserve = isOpen ? file.MayUseReserve : server.Volume.MayUseReserve(header.Uid, header.Gid),
        };
    }

    private static TimeChange Time(SetAttributesFlags valid, SetAttributesFlags given, SetAttributesFlags now,
        ulong seconds, uint nanoseconds)
    {
        if (!Has(valid, given))
        {
            return default;
        }
        return now != SetAttributesFlags.None && Has(valid, now)
            ? TimeChange.ToNow
            : TimeChange.To(new Timestamp((long)seconds, nanoseconds));
    }

    private static bool Has(SetAttributesFlags valid, SetAttributesFlags flag) => (valid & flag) != 0;

    private static bool IsLongTruncate(ServedVolume server, InodeNumber inode, long size) =>
        server.Volume.GetAttributes(inode, out InodeAttributes attributes) == Errno.Ok
        && size < attributes.SizeBytes && LongWork.IsLong(in attributes);

    private static void ChangeLater(ServedVolume server, InodeNumber inode, in AttributeChange change, DeferredReply later)
    {
        Errno error = server.Volume.SetAttributes(inode, in change, out InodeAttributes attributes);
        if (error != Errno.Ok)
        {
            later.Complete(error);
            return;
        }
        GetAttributesHandler.Answer(server, later, in attributes);
    }
}
