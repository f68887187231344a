using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Conformance;

/// <summary>The reference server passes every scenario, whatever choices it makes and whatever order things happen in.
/// </summary>
public sealed class ConformanceTests
{
    private static readonly Dictionary<string, RefPolicy> s_policies = new()
    {
        ["recorded"] = RefPolicy.Recorded,
        ["delayed"] = RefPolicy.Recorded with { Delays = true },
        ["delayed, page by page"] = RefPolicy.Recorded with { Delays = true, ConvertsWholeExtents = false },
        ["cached"] = RefPolicy.Recorded with { Upserts = true },
        ["cached and retried"] = RefPolicy.Recorded with { Upserts = true, Retries = true },
        ["small cache"] = RefPolicy.Recorded with { Upserts = true, CacheMaxBytes = 256, MostAnsweredBlocks = 2 },
        ["cached and delayed"] = RefPolicy.Recorded with { Upserts = true, Delays = true },
        ["small blocks"] = RefPolicy.Recorded with { BlockSize = 1024 },
        ["inline"] = RefPolicy.Recorded with { IsInline = true },
        ["pieces"] = RefPolicy.Recorded with { MostBlocks = 3, MostAnsweredBlocks = 4 },
        ["truncating open"] = RefPolicy.Recorded with { Init = RefPolicy.Recorded.Init | InitFlags.AtomicTruncate },
        ["no page cache kept"] = RefPolicy.Recorded with { OpenReply = OpenReplyFlags.None },
        ["threads"] = RefPolicy.Recorded with { Threads = 3 },
    };

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (string policy in s_policies.Keys)
        {
            foreach (Scenario scenario in ConformanceSuite.All)
            {
                cases.Add(policy, scenario.Name);
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_reference_server_passes_on_v8(string policy, string scenario) =>
        Run(s_policies[policy], TwinOptions.V8, scenario);

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_reference_server_passes_on_v9(string policy, string scenario) =>
        Run(s_policies[policy], TwinOptions.V9, scenario);

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_reference_server_passes_in_any_order(string policy, string scenario)
    {
        int seed = Seeds.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        Run(s_policies[policy], TwinOptions.V8 with { Seed = seed }, scenario);
    }

    private static void Run(RefPolicy policy, TwinOptions options, string name)
    {
        using Bench bench = ReferenceBench.Make(policy, options);
        ConformanceSuite.All.Single(scenario => scenario.Name == name).Run(bench);
        bench.Finish();
    }
}
