using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Moves bytes to blocks that a file owns or is about to own: to the device, or into the journal.</summary>
internal sealed class DataWriter(WriteServices services, JournaledData? journaled, bool abortsOnFailure)
{
    /// <summary>Up to here edges and data are put together, so that one write does it.</summary>
    private const int AssembledBytes = 64 << 10;

    [ThreadStatic]
    private static byte[]? t_assembly;

    private static readonly byte[] s_zeros = GC.AllocateArray<byte>(64 << 10, pinned: true);

    private readonly IBlockDevice _device = services.Context.Device;
    private readonly int _blockSizeBytes = services.Context.Geometry.BlockSizeBytes;

    /// <summary>Data goes through the journal: changing it takes the inode's lock exclusively.</summary>
    public bool IsJournaled => journaled is not null;

    /// <summary>Overwrites part of written blocks.</summary>
    /// <exception cref="Ext4CorruptException">The file maps blocks of the file system itself.</exception>
    public void Overwrite(Inode inode, long deviceOffset, ReadOnlySpan<byte> data)
    {
        CheckPlace(inode, deviceOffset, data.Length);
        if (journaled is not null)
        {
            journaled.Write(inode, deviceOffset, data.Length, data, isFresh: false);
            return;
        }
        Write(deviceOffset, data);
        inode.RaiseDataTicket(services.Journal.DataTicket);
    }

    /// <summary>Fills blocks that did not hold data before: what the data leaves of the first and last one is zeroed.
    /// </summary>
    /// <param name="inode">Whose blocks.</param>
    /// <param name="deviceOffset">Start of the first block.</param>
    /// <param name="skip">Bytes of the first block before the data.</param>
    /// <param name="data">At least one byte.</param>
    public void Fill(Inode inode, long deviceOffset, int skip, ReadOnlySpan<byte> data)
    {
        int total = (skip + data.Length + _blockSizeBytes - 1) & -_blockSizeBytes;
        CheckPlace(inode, deviceOffset, total);
        if (journaled is not null)
        {
            journaled.Write(inode, deviceOffset + skip, data.Length, data, isFresh: true);
            return;
        }
        int behind = total - skip - data.Length;
        if (skip == 0 && behind == 0)
        {
            Write(deviceOffset, data);
        }
        else if (total <= AssembledBytes)
        {
            Span<byte> whole = (t_assembly ??= GC.AllocateUninitializedArray<byte>(AssembledBytes, pinned: true))
                .AsSpan(0, total);
            whole[..skip].Clear();
            data.CopyTo(whole[skip..]);
            whole[(skip + data.Length)..].Clear();
            Write(deviceOffset, whole);
        }
        else
        {
            WriteZeros(deviceOffset, skip);
            Write(deviceOffset + skip, data);
            WriteZeros(deviceOffset + skip + data.Length, behind);
        }
        inode.RaiseDataTicket(services.Journal.DataTicket);
    }

    /// <summary>Zeroes part of a written block.</summary>
    public void Zero(Inode inode, long deviceOffset, int length)
    {
        CheckPlace(inode, deviceOffset, length);
        if (journaled is not null)
        {
            journaled.Write(inode, deviceOffset, length, [], isFresh: false);
            return;
        }
        WriteZeros(deviceOffset, length);
        inode.RaiseDataTicket(services.Journal.DataTicket);
    }

    private void WriteZeros(long deviceOffset, int length)
    {
        for (int done = 0; done < length; done += s_zeros.Length)
        {
            Write(deviceOffset + done, s_zeros.AsSpan(0, Math.Min(length - done, s_zeros.Length)));
        }
    }

    /// <summary>Writes to the device; with data_err=abort a failure of the medium is the end of all changes. An image
    /// file that finds no room on its own file system has not failed.</summary>
    private void Write(long deviceOffset, ReadOnlySpan<byte> data)
    {
        try
        {
            _device.Write(deviceOffset, data);
        }
        catch (DeviceException failure) when (abortsOnFailure && failure.Error != Errno.NoSpace)
        {
            services.Journal.Abort(failure.Error, $"data_err=abort: {failure.Message}");
            throw;
        }
    }

    /// <summary>A damaged image may map a file onto the file system's own structures.</summary>
    private void CheckPlace(Inode inode, long deviceOffset, int length)
    {
        int shift = services.Context.Geometry.BlockSizeShift;
        var first = new FsBlock((ulong)deviceOffset >> shift);
        ulong count = ((ulong)(deviceOffset + length - 1) >> shift) - first.Value + 1;
        if (length > 0 && services.Allocator.IsForbidden(first, count))
        {
            Ext4CorruptException.Throw(
                Corruption.BlockOutOfVolume, $"inode {inode.Number}: data at block {first}, the file system's own");
        }
    }
}
