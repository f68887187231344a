using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Volumes spread over several devices: on v9 the kernel does the arithmetic, on v8 the data passes through the
/// server.</summary>
public sealed class VolumeStripeTests
{
    private static readonly string[] s_features = ["-t ext4 -b 4096", "-t ext4 -b 1024", "-t ext3 -b 1024"];

    /// <summary>Block maps cannot keep blocks without data: fallocate(2) is refused there.</summary>
    private static readonly string[] s_needUnwrittenBlocks = ["punch and zero", "preallocation", "random operations"];

    public static TheoryData<string, int, string> Cases()
    {
        var cases = new TheoryData<string, int, string>();
        foreach (string features in s_features)
        {
            foreach (Scenario scenario in ConformanceSuite.All)
            {
                bool isPossible = scenario.Name != "swap file"
                    && (features.Contains("ext4", StringComparison.Ordinal) || !s_needUnwrittenBlocks.Contains(scenario.Name));
                if (isPossible)
                {
                    cases.Add(features, features.Contains("1024", StringComparison.Ordinal) ? 3 : 2, scenario.Name);
                }
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Scenario_passes_on_a_set(string features, int members, string name)
    {
        using var bench = new VolumeBench(TwinOptions.V9, features) { Members = members };
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

    [Fact]
    public void A_set_is_not_swapped_to()
    {
        using var bench = new VolumeBench(TwinOptions.V9, "-t ext4 -b 4096") { Members = 2 };
        long fd = bench.Bench.Create("/swap");
        bench.Bench.Write(fd, Bench.Bytes(1 << 20, 1), 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        Bench.Equal(-(long)KernelTwin.Wire.Errno.EINVAL, bench.Bench.User.SwapOn("/swap"), "swapon");
        Bench.Equal(0, bench.Bench.User.Ftruncate(fd, 0), "ftruncate");
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    [Theory]
    [InlineData("v9", true)]
    [InlineData("v8", false)]
    public void Data_passes_through_the_server_where_the_kernel_knows_no_sets(string revision, bool isMapped)
    {
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 4096")
        {
            Members = 3,
        };
        byte[] data = Bench.Bytes(300_000, 1);
        long fd = bench.Bench.Create("/file");
        _ = bench.Bench.Kernel.Trace.Take();
        bench.Bench.Write(fd, data, 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        string[] lines = bench.Bench.Kernel.Trace.Take();
        Assert.Equal(isMapped, VolumeBench.Count(lines, "B(WB)") > 0);
        Assert.Equal(isMapped, VolumeBench.Count(lines, "WRITE ") == 0);
        Assert.Equal(0, VolumeBench.Count(lines, "UPSERT"));
        byte[] found = new byte[data.Length];
        Bench.Equal(data.Length, bench.Bench.User.Pread(fd, found, 0), "read");
        Assert.Equal(data, found);
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        fd = bench.Bench.Open("/file");
        Array.Clear(found);
        Bench.Equal(data.Length, bench.Bench.User.Pread(fd, found, 0), "read after a remount");
        Assert.Equal(data, found);
        bench.Bench.User.Close(fd);
        bench.Finish();
    }
}
