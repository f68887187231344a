using System.Globalization;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Random calls compared with a model, on volumes of all kinds, on both revisions; e2fsck after each run.
/// FUSE4FS_TEST_SCALE multiplies the length.</summary>
public sealed class VolumeModelTests
{
    private const int Steps = 150;

    private static readonly string[] s_features =
    [
        "-t ext4 -b 4096",
        "-t ext4 -b 1024 -O ^metadata_csum",
        "-t ext3 -b 1024",
        "-t ext2 -b 4096",
        "-t ext4 -b 4096 -O bigalloc -C 16384",
        "-t ext4 -b 1024 -O inline_data -I 256",
        "-t ext4 -b 4096 -O quota,project -I 256",
    ];

    private static int Scale => int.TryParse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_SCALE"), CultureInfo.InvariantCulture, out int scale) ? scale : 1;

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        int seed = 1;
        foreach (string features in s_features)
        {
            cases.Add("v8", features, seed++);
            cases.Add("v9", features, seed++);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_calls_give_what_a_model_gives(string revision, string features, int seed)
    {
        TwinOptions options = (revision == "v8" ? TwinOptions.V8 : TwinOptions.V9) with { Seed = seed };
        for (int round = 0; round < Scale; round++)
        {
            using var bench = new VolumeBench(options with { Seed = seed + (round * 100) }, features, 24 << 20);
            try
            {
                new RandomOperations(bench.Bench, seed + (round * 100), Steps)
                {
                    MayRefuseAllocation = !features.Contains("ext4", StringComparison.Ordinal),
                }.Run();
                bench.Finish();
            }
            catch (Exception failure) when (bench.Warnings.Count > 0)
            {
                throw new InvalidOperationException(string.Join("\n", bench.Warnings.Take(5)), failure);
            }
            Assert.Empty(bench.Warnings);
        }
    }
}
