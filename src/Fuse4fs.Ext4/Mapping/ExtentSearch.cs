namespace Fuse4fs.Ext4.Mapping;

/// <summary>Searches sorted extents.</summary>
internal static class ExtentSearch
{
    /// <summary>Index of the first extent that begins behind a file block.</summary>
    public static int FirstBehind(ReadOnlySpan<Extent> extents, uint fileBlock)
    {
        int low = 0;
        int high = extents.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (extents[middle].FirstFileBlock <= fileBlock)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }

    /// <summary>What a file block is: part of an extent, or of the hole up to the next one.</summary>
    /// <param name="extents">All extents of the stretch that ends at <paramref name="end"/>.</param>
    /// <param name="end">Behind the block.</param>
    /// <param name="fileBlock">Inside the stretch.</param>
    public static MapRun RunAt(ReadOnlySpan<Extent> extents, ulong end, uint fileBlock)
    {
        int next = FirstBehind(extents, fileBlock);
        if (next > 0 && extents[next - 1].EndFileBlock > fileBlock)
        {
            ref readonly Extent extent = ref extents[next - 1];
            uint skip = fileBlock - extent.FirstFileBlock;
            return new MapRun(extent.IsUnwritten ? RunKind.Unwritten : RunKind.Written,
                fileBlock, extent.LengthBlocks - skip, extent.Start + skip);
        }
        ulong holeEnd = next < extents.Length ? extents[next].FirstFileBlock : end;
        return new MapRun(RunKind.Hole, fileBlock, holeEnd - fileBlock, default);
    }
}
