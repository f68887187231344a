using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Opens;

namespace Fuse4fs.Server.Handlers;

/// <summary>OPEN and CREATE's second half. On a writable mount this is the only place where immutable, append-only and
/// sealed files are refused, and where it becomes known who writes. On a read-only mount there is nothing to check and
/// nothing to remember: "not implemented", once, and the kernel opens and closes without us from then on.</summary>
internal static class OpenHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (server.MayOpenSilently)
        {
            return Errno.NotImplemented;
        }
        if (!body.TryTake(out OpenIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        Errno error = server.Volume.GetAttributes(inode, out InodeAttributes attributes);
        error = error == Errno.Ok ? Check(in attributes, (OpenFlags)request.Flags) : error;
        if (error != Errno.Ok)
        {
            return error;
        }
        if (server.Iomap is null)
        {
            AccessTimes.Opened(server, header.NodeId, in attributes, (OpenFlags)request.Flags);
        }
        ulong handle = Remember(server, in header, inode, (OpenFlags)request.Flags);
        if (handle == 0)
        {
            return Errno.TooManyOpenFiles;
        }
        error = ((OpenFlags)request.Flags & OpenFlags.Truncate) != 0
            ? Empty(server, in header, in request, in attributes, handle, ref reply)
            : Errno.Ok;
        if (error == Errno.Ok && server.Iomap is { } mappings && ((OpenFlags)request.Flags & OpenFlags.Truncate) == 0)
        {
            mappings.Opened(in attributes);
        }
        else if (error == Errno.Ok && (attributes.Sectors == 0 || ((OpenFlags)request.Flags & OpenFlags.Truncate) != 0)
            && WatchRoom(server, handle))
        {
            server.ForgetAttributes(header.NodeId);
        }
        if (error == Errno.Ok && !reply.IsDeferred)
        {
            Answer(ref reply, handle);
        }
        return error;
    }

    /// <summary>OPENDIR: nothing to do, and listings stay cached.</summary>
    public static Errno HandleDirectory(ServedVolume server, ref ReplyWriter reply)
    {
        if (server.Capabilities.Has(InitFlags.NoOpenDirectorySupport))
        {
            return Errno.NotImplemented;
        }
        reply.Append<OpenOut>().Flags = OpenReplyFlags.KeepCache | OpenReplyFlags.CacheDirectory;
        return Errno.Ok;
    }

    /// <summary>RELEASE.</summary>
    public static Errno HandleRelease(ServedVolume server, ref RequestReader body)
    {
        if (!body.TryTake(out ReleaseIn request))
        {
            return Errno.Invalid;
        }
        Forget(server, request.Handle);
        return Errno.Ok;
    }

    /// <summary>Makes an open file known.</summary>
    /// <returns>0 when there are too many.</returns>
    public static ulong Remember(ServedVolume server, in InHeader header, InodeNumber inode, OpenFlags flags)
    {
        bool canWrite = (flags & OpenFlags.AccessMask) != OpenFlags.ReadOnly;
        server.Full.Remove(inode);
        if (canWrite)
        {
            server.Written?.Add(inode);
        }
        bool mayUseReserve = canWrite && server.Volume.MayUseReserve(header.Uid, header.Gid);
        bool writesDirectly = canWrite && (flags & OpenFlags.Direct) != 0;
        ulong handle = server.Opens.Add(new OpenFile(inode, canWrite, mayUseReserve, writesDirectly));
        if (writesDirectly && handle != 0)
        {
            server.Direct.Opened(inode);
        }
        server.Iomap?.HandleChanged(inode, handle, isOpen: true);
        return handle;
    }

    /// <summary>Whether the kernel is to ask before it takes data for an empty file that was opened: where it could hold
    /// more than there is room for. See <see cref="FullFiles"/>.</summary>
    public static bool WatchRoom(ServedVolume server, ulong handle)
    {
        if (!server.Opens.TryFind(handle, out OpenFile file) || !file.CanWrite
            || !server.Full.IsClose(server.Volume, file.MayUseReserve))
        {
            return false;
        }
        server.Full.AddEmpty(file.Inode);
        return true;
    }

    /// <summary>Appends the part of the reply that OPEN and CREATE have in common.</summary>
    public static void Answer(ref ReplyWriter reply, ulong handle)
    {
        ref OpenOut slot = ref reply.Append<OpenOut>();
        slot.Handle = handle;
        slot.Flags = OpenReplyFlags.KeepCache;
    }

    /// <summary>What the kernel's ext4 and VFS refuse by inode flags, which FUSE keeps from the VFS. Kernel: may_open,
    /// inode_permission.</summary>
    private static Errno Check(in InodeAttributes attributes, OpenFlags flags)
    {
        if ((attributes.Flags & InodeFlags.Encrypted) != 0 && attributes.Kind == FileKind.Regular)
        {
            return Errno.NoKey;
        }
        bool changes = (flags & OpenFlags.AccessMask) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0;
        if (changes && (attributes.Flags & (InodeFlags.Immutable | InodeFlags.Verity)) != 0)
        {
            return Errno.NotPermitted;
        }
        bool onlyAppends = (flags & OpenFlags.Append) != 0 && (flags & OpenFlags.Truncate) == 0;
        return changes && !onlyAppends && (attributes.Flags & InodeFlags.AppendOnly) != 0
            ? Errno.NotPermitted
            : Errno.Ok;
    }

    /// <summary>O_TRUNC.</summary>
    private static Errno Empty(ServedVolume server, in InHeader header, in OpenIn request,
        in InodeAttributes attributes, ulong handle, ref ReplyWriter reply)
    {
        server.Opens.TryFind(handle, out OpenFile file);
        var options = new WriteOptions
        {
            MayUseReserve = file.MayUseReserve,
            KillsPrivileges = server.Iomap is null && (request.OpenFlags & OpenIn.KillSetIds) != 0,
            IsDelegated = server.Iomap is not null,
            // The kernel sets them itself, and hands them in if that made a difference.
            KeepsTimes = server.KernelKeepsTimes,
        };
        if (!LongWork.IsLong(in attributes))
        {
            Errno dropped = server.Iomap?.ChangeUntilReply(file.Inode, 0, long.MaxValue) ?? Errno.Ok;
            return dropped == Errno.Ok
                ? EmptyOrForget(server, file.Inode, handle, in options)
                : ForgetRefused(server, handle, dropped);
        }
        IomapChange mappings = IomapChange.None;
        Errno refused = server.Iomap?.BeginChange(file.Inode, 0, long.MaxValue, out mappings) ?? Errno.Ok;
        if (refused != Errno.Ok)
        {
            return ForgetRefused(server, handle, refused);
        }
        DeferredReply later = reply.Defer(in header);
        LongWork.Run(server, later, cancellation =>
        {
            using IomapChange ending = mappings;
            Errno error = EmptyOrForget(server, file.Inode, handle, in options);
            if (error != Errno.Ok)
            {
                later.Complete(error);
                return;
            }
            var opened = new OpenOut { Handle = handle, Flags = OpenReplyFlags.KeepCache };
            later.Complete(System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<OpenOut>(in opened)));
        });
        return Errno.Ok;
    }

    /// <summary>What cannot be emptied is not opened: nobody will release it.</summary>
    private static Errno EmptyOrForget(
        ServedVolume server, InodeNumber inode, ulong handle, in WriteOptions options)
    {
        bool isEmptied = false;
        try
        {
            Errno error = server.Volume.Truncate(inode, 0, in options);
            isEmptied = error == Errno.Ok;
            if (options.KillsPrivileges)
            {
                // The reply to OPEN carries no mode.
                server.ForgetAttributes(NodeIds.OfInode(inode));
            }
            return error;
        }
        finally
        {
            if (!isEmptied)
            {
                Forget(server, handle);
            }
        }
    }

    private static Errno ForgetRefused(ServedVolume server, ulong handle, Errno error)
    {
        Forget(server, handle);
        return error;
    }

    private static void Forget(ServedVolume server, ulong handle)
    {
        bool wasLastWriter = server.Opens.Remove(handle, out OpenFile file);
        if (file.WritesDirectly)
        {
            server.Direct.Closed(file.Inode);
        }
        if (wasLastWriter)
        {
            server.Full.Remove(file.Inode);
            server.Volume.ReleaseWriter(file.Inode);
            server.Iomap?.Remember(file.Inode, server.Volume.CloseDelegated(file.Inode));
        }
        server.Iomap?.HandleChanged(file.Inode, handle, isOpen: false);
    }
}
