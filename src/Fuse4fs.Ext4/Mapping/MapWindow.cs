namespace Fuse4fs.Ext4.Mapping;

/// <summary>Everything known about a stretch of a file: its extents in order; what lies between them is a hole. Filled by
/// one thread, for the map cache to take over.</summary>
internal sealed class MapWindow
{
    /// <summary>Most extents a window holds. A leaf of the biggest blocks has more: it is then taken in parts.</summary>
    public const int Capacity = 1024;

    [ThreadStatic]
    private static MapWindow? t_scratch;

    private readonly Extent[] _extents = new Extent[Capacity];

    private MapWindow()
    {
    }

    /// <summary>First file block covered.</summary>
    public uint First { get; private set; }

    /// <summary>First file block not covered any more.</summary>
    public ulong End { get; private set; }

    /// <summary>The extents, ascending.</summary>
    public ReadOnlySpan<Extent> Extents => _extents.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>This thread's window, empty, with the stretch it is going to cover.</summary>
    public static MapWindow Begin(uint first, ulong end)
    {
        MapWindow window = t_scratch ??= new MapWindow();
        window.First = first;
        window.End = end;
        window.Count = 0;
        return window;
    }

    /// <summary>Appends, merging with the last one where possible.</summary>
    /// <param name="extent">Behind all before it.</param>
    /// <param name="wanted">The file block somebody asked for: the window always covers it.</param>
    /// <returns>False when the window is full; it then ends before <paramref name="extent"/>.</returns>
    public bool Append(in Extent extent, uint wanted)
    {
        if (Count > 0 && _extents[Count - 1].IsContinuedBy(in extent)
            && (ulong)_extents[Count - 1].LengthBlocks + extent.LengthBlocks <= uint.MaxValue)
        {
            _extents[Count - 1] = _extents[Count - 1] with
            {
                LengthBlocks = _extents[Count - 1].LengthBlocks + extent.LengthBlocks,
            };
            return true;
        }
        if (Count == Capacity)
        {
            if (extent.FirstFileBlock > wanted)
            {
                End = extent.FirstFileBlock;
                return false;
            }
            // Full before the wanted block: start over from here.
            First = (uint)_extents[Count - 1].EndFileBlock;
            Count = 0;
        }
        _extents[Count++] = extent;
        return true;
    }

    /// <summary>What a covered file block is.</summary>
    public MapRun Find(uint fileBlock) => ExtentSearch.RunAt(Extents, End, fileBlock);
}
