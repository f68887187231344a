using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Conformance;

/// <summary>A file system built on the library passes every scenario of the twin, on both revisions.</summary>
public sealed class SampleTests
{
    private const int Seeds = 3;

    public static TheoryData<string, bool, bool> Cases()
    {
        var cases = new TheoryData<string, bool, bool>();
        foreach (Scenario scenario in ConformanceSuite.All)
        {
            foreach (bool isPumped in new[] { true, false })
            {
                cases.Add(scenario.Name, isPumped, true);
                cases.Add(scenario.Name, isPumped, false);
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_sample_passes_on_v8(string scenario, bool isPumped, bool uploads)
        => Run(TwinOptions.V8, scenario, isPumped, uploads);

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_sample_passes_on_v9(string scenario, bool isPumped, bool uploads)
        => Run(TwinOptions.V9, scenario, isPumped, uploads);

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_sample_passes_in_any_order(string scenario, bool isPumped, bool uploads)
    {
        int first = int.TryParse(Environment.GetEnvironmentVariable("FUSE4FS_TWIN_SEED"), out int given)
            ? given
            : Random.Shared.Next();
        for (int seed = first; seed != first + Seeds; seed++)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
            Run((seed % 2 == 0 ? TwinOptions.V8 : TwinOptions.V9) with { Seed = seed }, scenario, isPumped, uploads);
        }
    }

    private static void Run(TwinOptions options, string name, bool isPumped, bool uploads)
    {
        using var sample = new SampleBench(options, isPumped, uploads);
        ConformanceSuite.All.Single(scenario => scenario.Name == name).Run(sample.Bench);
        sample.Bench.Finish();
        Assert.Empty(sample.Errors);
    }
}
