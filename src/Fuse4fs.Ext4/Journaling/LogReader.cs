namespace Fuse4fs.Ext4.Journaling;

/// <summary>Reads the log front to back in large pieces, handing out one block at a time.</summary>
internal sealed class LogReader(LogDevice log)
{
    private const int WindowBytes = 256 * 1024;

    private readonly byte[] _window = GC.AllocateUninitializedArray<byte>(
        Math.Max(WindowBytes, log.BlockSizeBytes), pinned: true);

    private uint _first;
    private uint _count;

    /// <summary>One block; valid until the next call.</summary>
    public Span<byte> Block(uint logBlock)
    {
        if (logBlock < _first || logBlock - _first >= _count)
        {
            uint left = logBlock < log.LengthBlocks ? log.LengthBlocks - logBlock : 1;
            uint count = Math.Min(left, (uint)(_window.Length / log.BlockSizeBytes));
            _count = 0;
            log.Read(logBlock, _window.AsSpan(0, (int)count * log.BlockSizeBytes));
            (_first, _count) = (logBlock, count);
        }
        return _window.AsSpan((int)(logBlock - _first) * log.BlockSizeBytes, log.BlockSizeBytes);
    }
}
