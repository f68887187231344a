namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>Every scenario, for any server.</summary>
public static class ConformanceSuite
{
    private const int RandomSteps = 120;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("buffered writes", DataScenarios.BufferedWrites),
        new("sparse file", DataScenarios.SparseFile),
        new("direct I/O", DataScenarios.DirectIo),
        new("mixed access", DataScenarios.MixedAccess),
        new("mapped hole", DataScenarios.MappedHole),
        new("small files", DataScenarios.SmallFiles),
        new("copy range", DataScenarios.CopyRange),
        new("reuse of blocks", DataScenarios.Reuse),
        new("open with truncation", DataScenarios.DiscardedByOpen),
        new("size that only END tells", SpaceScenarios.SizeOnlyEndTells),
        new("truncate", SpaceScenarios.Truncate),
        new("truncated bytes stay gone", SpaceScenarios.TruncatedBytesStayGone),
        new("punch and zero", SpaceScenarios.PunchAndZero),
        new("preallocation", SpaceScenarios.Preallocation),
        new("nothing leaks", SpaceScenarios.NothingLeaks),
        new("no space", SpaceScenarios.NoSpace),
        new("unlinked while open", SpaceScenarios.UnlinkedWhileOpen),
        new("seek and fiemap", SpaceScenarios.SeekAndFiemap),
        new("swap file", SpaceScenarios.SwapFile),
        new("rename and link", NameScenarios.RenameAndLink),
        new("attributes persist", NameScenarios.AttributesPersist),
        new("times of writes", NameScenarios.WriteTimes),
        new("set-uid is stripped", NameScenarios.StripsSetUid),
        new("permissions", NameScenarios.Permissions),
        new("lifetimes", NameScenarios.Lifetimes),
        new("freeze and sync", NameScenarios.FreezeAndSync),
        new("random operations", bench => new RandomOperations(bench, seed: 1, RandomSteps).Run()),
    ];
}
