using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Reads files. Callers hold the inode's lock, shared at least.</summary>
internal sealed class FileReader(VolumeContext context, InodeTable inodes, FileMap map)
{
    private readonly int _blockShift = context.Geometry.BlockSizeShift;

    /// <summary>Where the newest data is when it goes through the journal; null when that is the device.</summary>
    public JournaledData? Journaled { get; set; }

    /// <summary>Says where the data of a range is, neighbouring pieces joined; nothing is read but the map.</summary>
    /// <param name="inode">A file whose data is not inside the inode.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes wanted; what lies behind the end of the file is left out.</param>
    /// <param name="runs">Filled from the start.</param>
    /// <param name="bytes">Bytes that the runs cover: fewer than wanted at the end of the file, or when the runs did not
    /// suffice.</param>
    /// <returns>Number of runs.</returns>
    public int MapRange(Inode inode, long offset, int length, Span<DataRun> runs, out int bytes)
    {
        int count = 0;
        bytes = 0;
        long end = Math.Min(inode.SizeBytes, offset > long.MaxValue - length ? long.MaxValue : offset + length);
        while (offset < end)
        {
            DataRun run = RunAt(inode, offset, end);
            bool isJoined = count > 0 && Continues(runs[count - 1], run);
            if (!isJoined && count == runs.Length)
            {
                break;
            }
            if (isJoined)
            {
                runs[count - 1] = runs[count - 1] with { LengthBytes = runs[count - 1].LengthBytes + run.LengthBytes };
            }
            else
            {
                runs[count++] = run;
            }
            bytes += run.LengthBytes;
            offset += run.LengthBytes;
        }
        return count;
    }

    /// <summary>Reads data.</summary>
    /// <returns>Bytes read: fewer than wanted at the end of the file.</returns>
    public int Read(Inode inode, long offset, Span<byte> destination)
    {
        if (offset >= inode.SizeBytes)
        {
            return 0;
        }
        int wanted = (int)Math.Min(destination.Length, inode.SizeBytes - offset);
        if (inode.Has(InodeFlags.InlineData))
        {
            using BlockLease lease = inodes.ReadRecord(inode, out Span<byte> record);
            InlineData.Copy(
                inode.BlockAreaBytes, InlineData.Rest(record, inode.Number), offset, destination[..wanted]);
            return wanted;
        }
        for (int done = 0; done < wanted;)
        {
            DataRun run = RunAt(inode, offset + done, offset + wanted);
            Span<byte> part = destination.Slice(done, run.LengthBytes);
            if (run.IsZeros)
            {
                part.Clear();
            }
            else if (Journaled is not null)
            {
                Journaled.Read(run.DeviceOffsetBytes, part);
            }
            else
            {
                context.Device.Read(run.DeviceOffsetBytes, part);
            }
            done += run.LengthBytes;
        }
        return wanted;
    }

    /// <summary>Finds data or a hole from an offset on. Unwritten blocks are holes.</summary>
    /// <returns>NoDeviceAddress at or behind the end, and when no data follows; or Ok.</returns>
    public Errno Seek(Inode inode, long offset, SeekKind kind, out long result)
    {
        result = offset;
        if (offset < 0 || offset >= inode.SizeBytes)
        {
            return Errno.NoDeviceAddress;
        }
        while (result < inode.SizeBytes)
        {
            bool isData = DataOrHole(inode, result, out long end);
            if (isData == (kind == SeekKind.Data))
            {
                return Errno.Ok;
            }
            result = end;
        }
        result = inode.SizeBytes;
        return kind == SeekKind.Hole ? Errno.Ok : Errno.NoDeviceAddress;
    }

    private bool DataOrHole(Inode inode, long offset, out long end)
    {
        if (inode.Has(InodeFlags.InlineData))
        {
            using BlockLease lease = inodes.ReadRecord(inode, out Span<byte> record);
            int capacity = BlockArea.SizeBytes + InlineData.Rest(record, inode.Number).Length;
            bool isInside = offset < capacity;
            end = isInside ? capacity : inode.SizeBytes;
            return isInside;
        }
        ulong block = (ulong)offset >> _blockShift;
        if (block >= ExtentNodePlace.FileEnd)
        {
            end = inode.SizeBytes;
            return false;
        }
        MapRun run = map.Find(inode, (uint)block);
        end = (long)(run.End << _blockShift);
        return run.Kind == RunKind.Written;
    }

    /// <summary>The run at an offset, at most up to <paramref name="end"/>.</summary>
    private DataRun RunAt(Inode inode, long offset, long end)
    {
        ulong block = (ulong)offset >> _blockShift;
        if (block >= ExtentNodePlace.FileEnd)
        {
            return new DataRun(DataRun.Zeros, (int)Math.Min(end - offset, int.MaxValue));
        }
        MapRun run = map.Find(inode, (uint)block);
        int length = (int)Math.Min(Math.Min(end, (long)(run.End << _blockShift)) - offset, int.MaxValue);
        if (run.Kind != RunKind.Written)
        {
            return new DataRun(DataRun.Zeros, length);
        }
        long inBlock = offset & ((1L << _blockShift) - 1);
        return new DataRun((long)(run.Start.Value << _blockShift) + inBlock, length);
    }

    private static bool Continues(in DataRun left, in DataRun right) => left.IsZeros
        ? right.IsZeros
        : left.DeviceOffsetBytes + left.LengthBytes == right.DeviceOffsetBytes;
}
