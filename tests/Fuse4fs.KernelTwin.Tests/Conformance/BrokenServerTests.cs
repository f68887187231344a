using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Scheduling;
using Fuse4fs.KernelTwin.Tests.Reference;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Conformance;

/// <summary>The twin's own test: a server that is broken in one place does not get through.</summary>
public sealed class BrokenServerTests
{
    private const long StorageBytes = 16 << 20;

    public static TheoryData<int, string> Cases()
    {
        var cases = new TheoryData<int, string>();
        for (int index = 0; index < Broken.All.Count; index++)
        {
            cases.Add(index, Broken.All[index].ToString());
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_broken_server_is_caught(int index, string name)
    {
        Broken broken = Broken.All[index];
        var caught = new List<string>();
        foreach (Scenario scenario in Scenarios(broken.Policy, new FaultyStorage(new MemoryStorage(8))))
        {
            if (Failure(broken, scenario.Name) is { } failure)
            {
                caught.Add($"{scenario.Name}: {failure.Message}");
                if (broken.Rule is null || (failure as RuleViolationException)?.Violation.Rule == broken.Rule)
                {
                    TestContext.Current.TestOutputHelper?.WriteLine(caught[^1]);
                    return;
                }
            }
        }
        Assert.Fail($"{name} was not caught as it should be:\n{string.Join('\n', caught)}");
    }

    /// <summary>The same scenarios, with nothing broken: what catches a broken server is not the scenario itself.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void The_same_server_without_the_fault_passes(int index, string name)
    {
        Broken broken = Broken.All[index];
        broken = broken with { Policy = broken.Policy with { Mischief = Mischief.None } };
        if (broken.Mischief == Mischief.AtomicWithoutFlag)
        {
            return;
        }
        foreach (Scenario scenario in ReferenceScenarios.For(new FaultyStorage(new MemoryStorage(8)), broken.Policy))
        {
            Exception? failure = Failure(broken, scenario.Name);
            Assert.True(failure is null, $"{name}, {scenario.Name}: {failure?.Message}");
        }
    }

    [Fact]
    public void Every_way_to_be_broken_is_tried()
    {
        IEnumerable<Mischief> tried = Broken.All.Select(broken => broken.Mischief);
        Assert.Empty(Enum.GetValues<Mischief>().Except(tried).Except([Mischief.None]));
    }

    private static Exception? Failure(Broken broken, string name)
    {
        var storage = new FaultyStorage(new MemoryStorage(StorageBytes));
        using Bench bench = ReferenceBench.Make(broken.Policy, broken.Options, storage);
        try
        {
            Scenarios(broken.Policy, storage).Single(scenario => scenario.Name == name).Run(bench);
            bench.Finish();
            return null;
        }
        catch (Exception failure) when (failure is RuleViolationException or ConformanceException or TwinStallException
            or TwinTaskException)
        {
            return failure;
        }
    }

    private static IEnumerable<Scenario> Scenarios(RefPolicy policy, FaultyStorage storage) =>
        [.. ReferenceScenarios.For(storage, policy), .. ConformanceSuite.All];
}
