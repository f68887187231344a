using System.Numerics;

namespace Fuse4fs.KernelTwin.Pages;

/// <summary>How far an open file reads ahead, in pages. Traces 4.</summary>
internal sealed class ReadWindow
{
    private long _start;
    private long _size;
    private long _ahead;

    /// <summary>The page after the last one that was read.</summary>
    public long Expected { get; set; }

    /// <summary>The window for a page that is missing.</summary>
    /// <param name="index">The page.</param>
    /// <param name="wanted">How many pages the request still wants.</param>
    /// <param name="most">The limit.</param>
    public (long Start, long Size, long Marker) OnMiss(long index, long wanted, long most)
    {
        if (index != 0 && index != Expected)
        {
            return (index, Math.Min(wanted, most), -1);
        }
        _start = index;
        _size = Initial(wanted, most);
        _ahead = _size > wanted ? _size - wanted : _size;
        return (_start, _size, _start + _size - _ahead);
    }

    /// <summary>The next window, when the reader reaches the marker of the last one.</summary>
    public (long Start, long Size, long Marker) OnMarker(long most)
    {
        _start += _size;
        _size = _size < most / 16 ? 4 * _size : _size <= most / 2 ? 2 * _size : most;
        _ahead = _size;
        return (_start, _size, _start);
    }

    private static long Initial(long wanted, long most)
    {
        long size = (long)BitOperations.RoundUpToPowerOf2((ulong)wanted);
        return size <= most / 32 ? size * 4 : size <= most / 4 ? size * 2 : most;
    }
}
