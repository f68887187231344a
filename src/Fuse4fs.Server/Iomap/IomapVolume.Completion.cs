using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Iomap;

/// <content>IOMAP_END and IOMAP_IOEND.</content>
internal sealed partial class IomapVolume
{
    /// <inheritdoc/>
    /// <remarks>Only of writes into the cache: what went past it is told of when it has reached the device.</remarks>
    public override Errno EndMapping(in EndRequest request)
    {
        bool isBuffered = (request.Operation & (IomapOperation.Write | IomapOperation.Direct)) == IomapOperation.Write;
        if (!isBuffered || IsRefused || !NodeIds.TryInode(Server, request.File.NodeId, out InodeNumber inode))
        {
            return Errno.Ok;
        }
        return Volume.EndDelegatedWrite(
            inode, request.Offset, request.Length, request.Written, request.IsSizeChanged);
    }

    /// <inheritdoc/>
    public override Errno CompleteIo(in IoEndRequest request, out long sizeBytes)
    {
        sizeBytes = 0;
        if (IsRefused)
        {
            return Errno.InputOutput;
        }
        if (!NodeIds.TryInode(Server, request.File.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (request.Has(IoEndFlags.SwapOff))
        {
            return Volume.UnpinDelegated(inode, out sizeBytes);
        }
        if (request.Error != Errno.Ok)
        {
            Errno error = Volume.FailDelegatedWrite(inode, request.Offset, request.Written);
            return error == Errno.Ok ? Volume.GetDelegatedSize(inode, out sizeBytes) : error;
        }
        // The kernel drops what it keeps of the range when it has the reply: nothing older may be told in between.
        IomapFile file = FileOf(inode);
        file.Uploads.EnterChange();
        LeaveBehindReply(file);
        Errno outcome = Volume.CompleteDelegatedWrite(inode, request.Offset, request.Written, out sizeBytes);
        if (outcome == Errno.Ok)
        {
            file.Uploads.Dropped(request.Offset, request.End);
        }
        return outcome;
    }
}
