using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Iomap;

/// <content>What the kernel is told ahead of its questions: all of a file's map when it is opened, if that fits; of larger
/// ones a window around what is asked for, which grows while the questions follow each other.</content>
internal sealed partial class IomapVolume
{
    /// <summary>What lies behind a file's end is told up to a multiple of this: pages are larger than blocks.</summary>
    private const long TailBytes = 64 << 10;

    /// <summary>Two for the pieces that a file's end may make of one.</summary>
    private const int ScratchLength = MappingBatch.Capacity + 2;

    [ThreadStatic]
    private static DelegatedMapping[]? t_scratch;

    private static DelegatedMapping[] Scratch => t_scratch ??= new DelegatedMapping[ScratchLength];

    /// <summary>The kernel's cache does not know stripe sets: it asks for each strip.</summary>
    private bool MayUpload => !_backing.IsStripeSet;

    /// <summary>A file was opened: its map goes to the kernel, if all of it fits there.</summary>
    public void Opened(in InodeAttributes attributes)
    {
        if (attributes.Kind != FileKind.Regular || attributes.SizeBytes == 0 || !MayUpload)
        {
            return;
        }
        FileUploads uploads = FileOf(attributes.Number).Uploads;
        long limit = Limit(attributes.SizeBytes);
        // What is on its way is left out of a map: one that is being written is never known as a whole.
        bool isKnown = uploads.Covers(0, attributes.SizeBytes)
            || (uploads.Count > 0 && Volume.IsDelegatedDirty(attributes.Number));
        if (isKnown || !uploads.TryEnter())
        {
            return;
        }
        try
        {
            if (Fits(attributes.Number, limit, uploads.Limit))
            {
                _ = Send(uploads, attributes.Number, 0, limit, int.MaxValue);
            }
        }
        finally
        {
            uploads.Leave();
        }
    }

    /// <summary>The kernel asked about a place that it did not know: it is told of what lies around.</summary>
    private void UploadAround(InodeNumber inode, long offset)
    {
        FileUploads uploads = FileOf(inode).Uploads;
        if (!MayUpload || Volume.GetDelegatedSize(inode, out long size) != Errno.Ok || offset >= Limit(size) || !uploads.TryEnter())
        {
            return;
        }
        try
        {
            _ = Send(uploads, inode, offset, Limit(size), uploads.NextWindow(offset));
        }
        finally
        {
            uploads.Leave();
        }
    }

    private long Limit(long sizeBytes) =>
        Math.Min((sizeBytes + TailBytes - 1) & -TailBytes, _connection.MaxFileBytes);

    private bool Fits(InodeNumber inode, long limit, int most)
    {
        int total = 0;
        for (long next = 0; next < limit && total <= most;)
        {
            if (Volume.CopyDelegatedMap(inode, next, limit, Scratch, out int count, out next) != Errno.Ok || count == 0)
            {
                return false;
            }
            total += count;
        }
        return total <= most;
    }

    /// <summary>Sends the map from a place on.</summary>
    private Errno Send(FileUploads uploads, InodeNumber inode, long offset, long limit, int most)
    {
        using MappingBatch batch = _connection.RentBatch();
        Errno error = Errno.Ok;
        while (offset < limit && most > 0 && error == Errno.Ok)
        {
            Span<DelegatedMapping> mappings = Scratch.AsSpan(0, Math.Min(most, MappingBatch.Capacity - 2) + 2);
            error = Volume.CopyDelegatedMap(inode, offset, limit, mappings, out int count, out offset);
            if (error != Errno.Ok || count == 0)
            {
                break;
            }
            batch.Start(uploads.File);
            foreach (ref readonly DelegatedMapping mapping in mappings[..count])
            {
                error = batch.Add(ToKernel(in mapping));
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
            most -= count;
            error = uploads.Send(batch);
        }
        return error;
    }
}
