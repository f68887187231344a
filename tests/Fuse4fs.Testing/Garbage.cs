namespace Fuse4fs.Testing;

/// <summary>What hot paths must not make.</summary>
public static class Garbage
{
    private const int MostAttempts = 10;

    /// <summary>Bytes that an action allocates on this thread in so many rounds: the least of several attempts, because
    /// compiling the code in the background may allocate here, too, the first times.</summary>
    public static long Of(Action action, int rounds)
    {
        ArgumentNullException.ThrowIfNull(action);
        long allocated = long.MaxValue;
        for (int attempt = 0; attempt < MostAttempts && allocated != 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < rounds; i++)
            {
                action();
            }
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return allocated;
    }
}
