namespace Fuse4fs.Ext4.Allocation;

/// <summary>Where long runs are to start.</summary>
/// <param name="Clusters">Power of two or stripe width; 0 or 1 for anywhere.</param>
/// <param name="Origin">Added to a cluster's number in its group before it is compared with multiples.</param>
internal readonly record struct RunAlignment(ulong Clusters, ulong Origin)
{
    /// <summary>Cuts a free run so that it starts where it should, if what is left is long enough.</summary>
    public FreeRun Apply(int start, int length, int wanted)
    {
        ulong beyond = Clusters > 1 ? (Origin + (ulong)start) % Clusters : 0;
        int skip = beyond == 0 ? 0 : (int)Math.Min(Clusters - beyond, int.MaxValue);
        return skip > 0 && skip < length && length - skip >= wanted
            ? new FreeRun(start + skip, length - skip)
            : new FreeRun(start, length);
    }
}
