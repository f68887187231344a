using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Every scenario of the twin, on volumes of several kinds, on both revisions; then e2fsck.</summary>
public sealed class VolumeConformanceTests
{
    private static readonly string[] s_features =
    [
        "-t ext4 -b 4096",
        "-t ext4 -b 1024",
        "-t ext3 -b 4096",
        "-t ext2 -b 1024",
        "-t ext4 -b 4096 -O bigalloc -C 16384",
        "-t ext4 -b 4096 -O inline_data -I 256",
        "-t ext4 -b 4096 -O ^has_journal",
    ];

    /// <summary>Block maps cannot keep blocks without data: fallocate(2) is refused there, as the kernel's ext4 does.</summary>
    private static readonly string[] s_needUnwrittenBlocks = ["punch and zero", "preallocation", "random operations"];

    public static TheoryData<string, string, string> Cases()
    {
        var cases = new TheoryData<string, string, string>();
        foreach (string features in s_features)
        {
            bool isBlockMapped = !features.Contains("ext4", StringComparison.Ordinal);
            foreach (Scenario scenario in ConformanceSuite.All)
            {
                if (isBlockMapped && s_needUnwrittenBlocks.Contains(scenario.Name))
                {
                    continue;
                }
                cases.Add("v8", features, scenario.Name);
                cases.Add("v9", features, scenario.Name);
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Scenario_passes(string revision, string features, string name)
    {
        TwinOptions options = revision == "v8" ? TwinOptions.V8 : TwinOptions.V9;
        using var bench = new VolumeBench(options, features);
        try
        {
            ConformanceSuite.All.Single(scenario => scenario.Name == name).Run(bench.Bench);
            bench.Finish();
        }
        catch (Exception failure) when (bench.Warnings.Count > 0)
        {
            throw new InvalidOperationException(string.Join("\n", bench.Warnings.Take(5)), failure);
        }
        Assert.Empty(bench.Warnings);
    }
}
