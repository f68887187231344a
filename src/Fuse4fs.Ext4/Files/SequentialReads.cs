using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Files;

/// <summary>Notices files that are read from front to back, and has the device work on what comes next while the present
/// part is copied.</summary>
internal sealed class SequentialReads(VolumeContext context, FileMap map)
{
    private const int WindowBytes = 2 << 20;

    /// <summary>Pieces of a window that are asked for; a file in more pieces gains little.</summary>
    private const int MostRuns = 64;

    private readonly int _blockShift = context.Geometry.BlockSizeShift;

    /// <summary>A part of a file is about to be read.</summary>
    /// <param name="inode">Its lock is held, shared at least. A file whose data is not inside the inode.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes.</param>
    public void Note(Inode inode, long offset, int length)
    {
        long end = offset + length;
        // Requests of one reader are on the way to several workers: they may overtake each other a little.
        bool follows = offset > 0 && Math.Abs(offset - inode.ReadEnd) <= 2L * length;
        inode.ReadEnd = end;
        if (!follows)
        {
            inode.ReadAheadEnd = end;
            return;
        }
        long from = Math.Max(end, inode.ReadAheadEnd);
        long to = end + Math.Min(WindowBytes, inode.SizeBytes - end);
        bool isWorthAsking = to - from >= WindowBytes / 2 || (to == inode.SizeBytes && from < to);
        if (isWorthAsking)
        {
            inode.ReadAheadEnd = to;
            TryAsk(inode, from, to);
        }
    }

    private void TryAsk(Inode inode, long from, long to)
    {
        try
        {
            Ask(inode, from, to);
        }
        catch (Exception failure) when (failure is Ext4CorruptException or DeviceException)
        {
            // Whoever reads there will be told.
        }
    }

    private void Ask(Inode inode, long from, long to)
    {
        ulong block = (ulong)from >> _blockShift;
        ulong end = ((ulong)to + (1ul << _blockShift) - 1) >> _blockShift;
        for (int runs = 0; runs < MostRuns && block < end && block < ExtentNodePlace.FileEnd; runs++)
        {
            MapRun run = map.Find(inode, (uint)block);
            ulong count = Math.Min(run.End, end) - block;
            if (run.Kind == RunKind.Written)
            {
                context.Device.ReadAhead(
                    (long)(run.BlockAt((uint)block).Value << _blockShift), (long)(count << _blockShift));
            }
            block += count;
        }
    }
}
