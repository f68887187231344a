namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>How much more than in the everyday run is tried: FUSE4FS_TEST_SCALE, for nightly runs.</summary>
internal static class TestScale
{
    /// <summary>1 when nothing else is asked for.</summary>
    public static int Factor { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("FUSE4FS_TEST_SCALE"), out int factor) ? factor : 1;
}
