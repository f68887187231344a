using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Handlers;

/// <summary>FSYNC, FSYNCDIR and SYNCFS: answered by the commit thread, so that no worker waits for the disk and all who
/// ask meanwhile share a commit.</summary>
internal static class SyncHandler
{
    public static Errno Handle(ServedVolume server, in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTake(out FsyncIn request))
        {
            return Errno.Invalid;
        }
        if (!NodeIds.TryInode(server, header.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (server.IsReadOnly)
        {
            return Errno.Ok;
        }
        bool isDataOnly = (request.Flags & FsyncIn.DataOnly) != 0;
        // Not deferred before it is sure to be answered: an exception until then is the request's own.
        Errno error = server.Iomap is null
            ? server.Volume.GetAttributes(inode, out _)
            : SettleDelegated(server, server.Iomap, inode, request.Handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        var waiter = new DurableReply(reply.Defer(in header));
        error = server.Volume.Sync(inode, isDataOnly, waiter);
        if (error != Errno.Ok)
        {
            waiter.Committed(error);
        }
        return Errno.Ok;
    }

    /// <summary>DESTROY, the last request, which umount(2) waits for: answered when the volume is consistent and the image
    /// let go, so that the next one who opens it finds it so.</summary>
    public static Errno HandleDestroy(ServedVolume server, in InHeader header, ref ReplyWriter reply)
    {
        DeferredReply later = reply.Defer(in header);
        new Thread(() =>
        {
            try
            {
                server.Freezer.Close();
                server.Requests.Close();
                server.LetGo();
                later.Complete(Errno.Ok);
            }
            catch (Exception failure)
            {
                ServerLog.BackgroundFailed(server.Log, failure);
                later.Complete(Errno.InputOutput);
            }
        })
        {
            Name = "fuse4fs-destroy",
        }.Start();
        return Errno.Ok;
    }

    /// <summary>SYNCFS, and our own command for it.</summary>
    /// <param name="server">The mount.</param>
    /// <param name="header">The request.</param>
    /// <param name="reply">Deferred.</param>
    /// <param name="payloadBytes">What the answer carries beside its header: zeros.</param>
    public static Errno HandleAll(ServedVolume server, in InHeader header, ref ReplyWriter reply, int payloadBytes = 0)
    {
        server.Iomap?.ReleaseAbandoned();
        server.Volume.SyncAll(new DurableReply(reply.Defer(in header), payloadBytes));
        return Errno.Ok;
    }

    /// <summary>The kernel has written all there was of a file. It keeps errors of its own; what it was told of a
    /// completion it does not.</summary>
    private static Errno SettleDelegated(ServedVolume server, IomapVolume iomap, InodeNumber inode, ulong handle)
    {
        Errno error = server.Volume.SettleDelegated(inode);
        Errno told = iomap.TakeError(inode, handle);
        return told == Errno.Ok ? error : told;
    }
}
