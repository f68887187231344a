using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Data;

/// <summary>Answers READ: data is read into the worker's buffer, holes come from <see cref="ZeroPages"/>.</summary>
/// <remarks>Replies that point into a mapping of the image were tried: on pages that had to be faulted in they cost more
/// than the copy they save, and the server's resident memory grew with what was read.</remarks>
internal static unsafe class DataReplies
{
    /// <summary>Runs of one MapForRead call.</summary>
    private const int RunsPerCall = 64;

    /// <summary>Appends up to <paramref name="size"/> bytes of a file, less only at its end.</summary>
    public static Errno Append(Volume volume, InodeNumber inode, long offset, int size, ref ReplyWriter reply)
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

    private static void AppendRun(IBlockDevice device, in DataRun run, ref ReplyWriter reply)
    {
        if (run.IsZeros)
        {
            AppendZeros(run.LengthBytes, ref reply);
            return;
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
