using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>The journal's blocks wherever they are: an inode of the file system, or a device of its own.
/// Knows no structure of the log.</summary>
internal sealed class LogDevice
{
    /// <summary>Bytes erased at once: whole blocks of every size.</summary>
    private const int LargestErasure = 64 << 20;

    private readonly LogRun[] _runs;

    /// <summary>Addresses a journal.</summary>
    /// <param name="device">The device that holds it.</param>
    /// <param name="isExternal">True when that is not the file system's device.</param>
    /// <param name="blockSizeBytes">The file system's block size.</param>
    /// <param name="runs">Where its blocks are, from block 0 without a gap.</param>
    /// <param name="superblockAt">Log block of the journal superblock.</param>
    /// <exception cref="Ext4CorruptException">The runs have a gap.</exception>
    public LogDevice(
        IBlockDevice device, bool isExternal, int blockSizeBytes, IReadOnlyList<LogRun> runs, uint superblockAt)
    {
        Device = device;
        IsExternal = isExternal;
        BlockSizeBytes = blockSizeBytes;
        SuperblockAt = superblockAt;
        _runs = [.. runs];
        foreach (LogRun run in _runs)
        {
            ulong end = run.Start.Value + run.LengthBlocks;
            if (run.FirstLogBlock != LengthBlocks || run.LengthBlocks == 0 ||
                end > (ulong)(device.LengthBytes / blockSizeBytes))
            {
                Ext4CorruptException.Throw(Corruption.JournalSuperblock, $"journal map at block {LengthBlocks}");
            }
            LengthBlocks = checked(LengthBlocks + run.LengthBlocks);
        }
    }

    public IBlockDevice Device { get; }

    /// <summary>The journal has a device of its own: a flush of it says nothing about the file system's.</summary>
    public bool IsExternal { get; }

    public int BlockSizeBytes { get; }

    public uint LengthBlocks { get; }

    public uint SuperblockAt { get; }

    /// <summary>Reads consecutive log blocks.</summary>
    /// <param name="logBlock">First block.</param>
    /// <param name="buffer">Whole blocks.</param>
    /// <exception cref="DeviceException">The read failed.</exception>
    /// <exception cref="Ext4CorruptException">A block is behind the journal's end.</exception>
    public void Read(uint logBlock, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            long offset = Locate(logBlock, buffer.Length, out int length);
            Device.Read(offset, buffer[..length]);
            buffer = buffer[length..];
            logBlock += (uint)(length / BlockSizeBytes);
        }
    }

    /// <summary>Writes consecutive log blocks: one device write for every piece the journal lies in.</summary>
    /// <param name="logBlock">First block.</param>
    /// <param name="buffer">Whole blocks.</param>
    /// <exception cref="DeviceException">The write failed.</exception>
    public void Write(uint logBlock, ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            long offset = Locate(logBlock, buffer.Length, out int length);
            Device.Write(offset, buffer[..length]);
            buffer = buffer[length..];
            logBlock += (uint)(length / BlockSizeBytes);
        }
    }

    /// <summary>Zeroes consecutive log blocks, or tells the device that they are not used.</summary>
    /// <exception cref="DeviceException">It failed.</exception>
    public void Erase(uint logBlock, uint count, bool discards)
    {
        while (count > 0)
        {
            int wanted = (int)Math.Min((long)count * BlockSizeBytes, LargestErasure);
            long offset = Locate(logBlock, wanted, out int length);
            if (discards)
            {
                Device.Discard(offset, length);
            }
            else
            {
                Device.WriteZeros(offset, length);
            }
            logBlock += (uint)(length / BlockSizeBytes);
            count -= (uint)(length / BlockSizeBytes);
        }
    }

    /// <summary>Whether a block of the file system is one of the journal's own.</summary>
    public bool Holds(FsBlock home)
    {
        if (IsExternal)
        {
            return false;
        }
        foreach (LogRun run in _runs)
        {
            if (home >= run.Start && home.Value - run.Start.Value < run.LengthBlocks)
            {
                return true;
            }
        }
        return false;
    }

    private long Locate(uint logBlock, int wantedBytes, out int lengthBytes)
    {
        int low = 0;
        int high = _runs.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = _runs[middle].FirstLogBlock <= logBlock ? (middle, high) : (low, middle - 1);
        }
        if (logBlock >= LengthBlocks)
        {
            Ext4CorruptException.Throw(Corruption.JournalBlock, $"journal block {logBlock}");
        }
        LogRun run = _runs[low];
        uint inside = logBlock - run.FirstLogBlock;
        lengthBytes = (int)Math.Min(wantedBytes, (long)(run.LengthBlocks - inside) * BlockSizeBytes);
        return checked((long)(run.Start.Value + inside) * BlockSizeBytes);
    }
}
