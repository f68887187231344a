using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Data;

/// <summary>Answers READ. Data that is in memory already is not copied: the reply points into a mapping of the image.
/// The rest is read into the worker's buffer. Holes come from <see cref="ZeroPages"/>.</summary>
/// <remarks>A mapped reply reads the image after the handler has returned: a freed block must not get a new owner before
/// that (see IRequestHandler.Leave).</remarks>
internal sealed unsafe class DataReplies : IDisposable
{
    /// <summary>Runs of one MapForRead call.</summary>
    private const int RunsPerCall = 64;

    /// <summary>Below this a copy into the buffer beside the header is cheaper than a fault and a second piece.</summary>
    private const int SmallestMappedBytes = 4096;

    private readonly ImageMapping? _mapping;

    private DataReplies(ImageMapping? mapping) => _mapping = mapping;

    /// <param name="image">Where the data is; null when it is not simply there: a journal replayed in memory may have
    /// changed it.</param>
    public static DataReplies Create(ImageFile? image) =>
        new(image is null ? null : ImageMapping.TryCreate(image));

    /// <summary>Appends up to <paramref name="size"/> bytes of a file, less only at its end.</summary>
    public Errno Append(Volume volume, InodeNumber inode, long offset, int size, ref ReplyWriter reply)
    {
        Span<DataRun> runs = stackalloc DataRun[RunsPerCall];
        while (size > 0)
        {
            Errno error = volume.MapForRead(inode, offset, size, runs, out int count, out int bytes);
            if (error == Errno.NotSupported)
            {
                return AppendInline(volume, inode, offset, size, ref reply);
            }
            if (error != Errno.Ok || bytes == 0)
            {
                return error;
            }
            foreach (ref readonly DataRun run in runs[..count])
            {
                AppendRun(volume.Context.Device, in run, ref reply);
            }
            offset += bytes;
            size -= bytes;
        }
        return Errno.Ok;
    }

    public void Dispose() => _mapping?.Dispose();

    private void AppendRun(IBlockDevice device, in DataRun run, ref ReplyWriter reply)
    {
        if (run.IsZeros)
        {
            AppendZeros(run.LengthBytes, ref reply);
            return;
        }
        if (_mapping is not null && run.LengthBytes >= SmallestMappedBytes)
        {
            void* place = _mapping.FindResident(run.DeviceOffsetBytes, run.LengthBytes);
            if (place is not null && reply.TryAppendMemory(place, run.LengthBytes))
            {
                return;
            }
        }
        device.Read(run.DeviceOffsetBytes, reply.Free[..run.LengthBytes]);
        reply.Advance(run.LengthBytes);
    }

    private static void AppendZeros(int length, ref ReplyWriter reply)
    {
        while (length > 0)
        {
            int piece = Math.Min(length, ZeroPages.LengthBytes);
            if (!reply.TryAppendMemory((void*)ZeroPages.Start, piece))
            {
                reply.Free[..piece].Clear();
                reply.Advance(piece);
            }
            length -= piece;
        }
    }

    private static Errno AppendInline(Volume volume, InodeNumber inode, long offset, int size, ref ReplyWriter reply)
    {
        Errno error = volume.Read(inode, offset, reply.Free[..size], out int count);
        if (error == Errno.Ok)
        {
            reply.Advance(count);
        }
        return error;
    }
}
