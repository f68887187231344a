namespace Fuse4fs.KernelTwin.Pages;

/// <summary>The pages of one file. Positions in bytes.</summary>
internal sealed class PageCache(int blockSize)
{
    private const int SmallestPage = 4096;
    private readonly Dictionary<long, Page> _pages = [];
    private readonly SortedSet<long> _dirty = [];

    public int PageSize { get; } = Math.Max(SmallestPage, blockSize);

    public int BlockSize { get; } = blockSize;

    /// <summary>Changes when pages leave: who reads at that moment starts again.</summary>
    public int Generation { get; private set; }

    public int Count => _pages.Count;

    public bool IsDirty => _dirty.Count > 0;

    public Page? Find(long index) => _pages.GetValueOrDefault(index);

    public Page GetOrAdd(long index)
    {
        if (!_pages.TryGetValue(index, out Page? page))
        {
            page = new Page(index, PageSize);
            _pages.Add(index, page);
        }
        return page;
    }

    /// <summary>The bits of the blocks of a page that hold a byte of [from, to).</summary>
    public ulong Blocks(long index, long from, long to)
    {
        long start = index * PageSize;
        long first = Math.Max(0, from - start) / BlockSize;
        long end = (Math.Min(PageSize, to - start) + BlockSize - 1) / BlockSize;
        ulong bits = 0;
        for (long block = first; block < end; block++)
        {
            bits |= 1UL << (int)block;
        }
        return bits;
    }

    public bool IsUptodate(long from, long to)
    {
        for (long index = from / PageSize; index * PageSize < to; index++)
        {
            ulong wanted = Blocks(index, from, to);
            if (Find(index) is not { } page || (page.Uptodate & wanted) != wanted)
            {
                return false;
            }
        }
        return true;
    }

    public void MarkDirty(Page page, ulong blocks)
    {
        page.Dirty |= blocks;
        page.Uptodate |= blocks;
        _dirty.Add(page.Index);
    }

    public void MarkClean(Page page)
    {
        page.Dirty = 0;
        page.IsWritable = false;
        _dirty.Remove(page.Index);
    }

    public long[] DirtyPages(long from, long to)
    {
        long first = from / PageSize;
        long last = to == long.MaxValue ? long.MaxValue : (to - 1) / PageSize;
        return first > last ? [] : [.. _dirty.GetViewBetween(first, last)];
    }

    /// <summary>Whether a page that holds a byte of the range is dirty or being written.</summary>
    public bool NeedsWriteback(long from, long to)
    {
        if (DirtyPages(from, to).Length > 0)
        {
            return true;
        }
        return _pages.Values.Any(page => page.Writeback > 0 && (page.Index + 1) * PageSize > from
            && page.Index * PageSize < to);
    }

    /// <summary>Whether a block in the range holds what the file holds.</summary>
    public bool HasUptodateBlocks(long from, long to) =>
        _pages.Values.Any(page => (page.Index + 1) * PageSize > from && page.Index * PageSize < to
            && (page.Uptodate & Blocks(page.Index, from, to)) != 0);

    /// <summary>Whether a block in the range is dirty.</summary>
    public bool HasDirtyBlocks(long from, long to) =>
        DirtyPages(from, to).Any(index => (Find(index)!.Dirty & Blocks(index, from, to)) != 0);

    /// <summary>Drops whole pages of the range, dirty ones too; pages at the edges only if they are wholly inside.
    /// </summary>
    public void Drop(long from, long to)
    {
        foreach (Page page in _pages.Values.Where(page => page.Index * PageSize >= from
            && (to == long.MaxValue || (page.Index + 1) * PageSize <= to)).ToArray())
        {
            _pages.Remove(page.Index);
            _dirty.Remove(page.Index);
        }
        Generation++;
    }

    /// <summary>Cuts everything from a size on: whole pages go, the rest of the last one becomes zero.</summary>
    public void Truncate(long size)
    {
        Drop((size + PageSize - 1) / PageSize * PageSize, long.MaxValue);
        if (size % PageSize == 0 || Find(size / PageSize) is not { } page)
        {
            return;
        }
        page.Data.AsSpan((int)(size % PageSize)).Clear();
        ulong beyond = Blocks(page.Index, (size + BlockSize - 1) / BlockSize * BlockSize, (page.Index + 1) * PageSize);
        page.Dirty &= ~beyond;
        if (page.Dirty == 0)
        {
            _dirty.Remove(page.Index);
        }
    }

    /// <summary>Memory pressure: clean pages of the range go.</summary>
    public void DropClean(long from, long to)
    {
        foreach (Page page in _pages.Values.Where(page => page.Dirty == 0 && page.Writeback == 0
            && page.Index * PageSize >= from && (to == long.MaxValue || (page.Index + 1) * PageSize <= to)).ToArray())
        {
            _pages.Remove(page.Index);
        }
        Generation++;
    }

    public IEnumerable<Page> Pages => _pages.Values;
}
