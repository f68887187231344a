namespace Fuse4fs.KernelTwin.Tests.Conformance;

/// <summary>Seeds of tests that draw their order: from FUSE4FS_TWIN_SEED on, or the same every time.</summary>
internal static class Seeds
{
    private static int s_last = int.TryParse(Environment.GetEnvironmentVariable("FUSE4FS_TWIN_SEED"), out int first)
        ? first : 20260101;

    public static int Next() => Interlocked.Increment(ref s_last);
}
