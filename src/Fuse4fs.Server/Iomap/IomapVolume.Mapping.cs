using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Iomap;

/// <content>IOMAP_BEGIN.</content>
internal sealed partial class IomapVolume
{
    /// <inheritdoc/>
    public override Errno BeginMapping(in BeginRequest request, ref BeginReply reply)
    {
        if (IsRefused)
        {
            return Errno.InputOutput;
        }
        if (!NodeIds.TryInode(Server, request.File.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        MappingUse use = UseOf(in request);
        if (use == MappingUse.Swap && _backing.IsStripeSet)
        {
            return Errno.Invalid;       // swapping wants one device
        }
        Errno error = Volume.TryMapDelegated(inode, use, request.Offset, request.Length, out DelegatedMapping mapping, out bool isDone);
        if (error == Errno.Ok && !isDone)
        {
            error = Change(in request, inode, use, out mapping);
        }
        if (error != Errno.Ok)
        {
            return error;
        }
        if (isDone && use is MappingUse.Read or MappingUse.DirectRead or MappingUse.Write or MappingUse.DirectWrite)
        {
            UploadAround(inode, request.Offset);
        }
        if (request.Has(IomapOperation.Report))
        {
            // People see the flags: nothing is shared here.
            mapping = mapping with { IsTail = false };
        }
        reply.SetInPlace(ToKernel(in mapping, FlagsOf(in request, in mapping)));
        return Errno.Ok;
    }

    private static MappingUse UseOf(in BeginRequest request)
    {
        IomapOperation operation = request.Operation;
        if ((operation & IomapOperation.WriteBack) != 0)
        {
            return MappingUse.WriteBack;
        }
        if ((operation & IomapOperation.Report) != 0)
        {
            return (operation & IomapOperation.SwapFile) != 0 ? MappingUse.Swap : MappingUse.Report;
        }
        bool isDirect = (operation & IomapOperation.Direct) != 0;
        if ((operation & (IomapOperation.Write | IomapOperation.Unshare)) != 0)
        {
            return isDirect ? MappingUse.DirectWrite
                : (operation & IomapOperation.Fault) != 0 ? MappingUse.Fault : MappingUse.Write;
        }
        return (operation & IomapOperation.Zero) != 0 ? MappingUse.Zero
            : isDirect ? MappingUse.DirectRead : MappingUse.Read;
    }

    /// <summary>Chooses blocks or reserves space. What the kernel keeps of the range contradicts the answer: it is dropped
    /// before the answer goes out.</summary>
    private Errno Change(in BeginRequest request, InodeNumber inode, MappingUse use, out DelegatedMapping mapping)
    {
        FileUploads uploads = FileOf(inode).Uploads;
        bool mayUseReserve = use != MappingUse.WriteBack && Volume.MayUseReserve(request.Uid, request.Gid);
        Errno error = ChangeOnce(uploads, in request, inode, use, mayUseReserve, out mapping);
        if (error == Errno.NoSpace && (ReleaseAbandoned() | VolumeRequests.TryReclaimSpace(Server)))
        {
            error = ChangeOnce(uploads, in request, inode, use, mayUseReserve, out mapping);
        }
        return error;
    }

    private Errno ChangeOnce(FileUploads uploads, in BeginRequest request, InodeNumber inode, MappingUse use,
        bool mayUseReserve, out DelegatedMapping mapping)
    {
        uploads.EnterChange();
        try
        {
            Errno error = Volume.MapDelegated(
                inode, use, request.Offset, request.Length, mayUseReserve, out mapping);
            if (error != Errno.Ok || uploads.Count == 0 || use == MappingUse.Swap)
            {
                return error;
            }
            error = uploads.Invalidate(mapping.OffsetBytes, mapping.LengthBytes);
            // Nothing is known of the file there: then nothing is cached either.
            return error is Errno.Ok or Errno.Stale ? Errno.Ok : error;
        }
        finally
        {
            uploads.LeaveChange();
        }
    }

    private MappingFlags FlagsOf(in BeginRequest request, in DelegatedMapping mapping)
    {
        MappingFlags flags = MappingFlags.None;
        bool isWhole = mapping.HasBlocks && request.Length <= AtomicWriteBytes
            && request.Offset + request.Length <= mapping.EndBytes;
        if (request.Has(IomapOperation.Atomic) && isWhole)
        {
            flags |= MappingFlags.AtomicDevice;
        }
        return flags;
    }
}
