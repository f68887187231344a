using System.Globalization;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>How much a test does: little, unless the environment asks for more.</summary>
internal static class TestSize
{
    /// <summary>FUSE4FS_TEST_SCALE: how many times the usual rounds.</summary>
    public static int Scale => Of("FUSE4FS_TEST_SCALE", 1);

    /// <summary>A number from the environment, or the usual one.</summary>
    public static int Of(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int given) ? given : usual;
}
