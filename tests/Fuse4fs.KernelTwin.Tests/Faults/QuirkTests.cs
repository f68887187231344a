using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Tests.Conformance;
using Fuse4fs.KernelTwin.Tests.Reference;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Faults;

/// <summary>Every quirk the other way round: a right server does not depend on any of them.</summary>
public sealed class QuirkTests
{
    private static readonly Quirks s_recorded = Quirks.V8;

    private static readonly Dictionary<string, Quirks> s_turned = new()
    {
        ["SyncfsAtUnmount"] = s_recorded with { SyncfsAtUnmount = true },
        ["ForgetsAtUnmount"] = s_recorded with { ForgetsAtUnmount = true },
        ["CloseWritesBack"] = s_recorded with { CloseWritesBack = false },
        ["UnlinkedDirtyIsWritten"] = s_recorded with { UnlinkedDirtyIsWritten = false },
        ["WritebackIoendErrorIsLost"] = s_recorded with { WritebackIoendErrorIsLost = false },
        ["PendingRunFailsWithPass"] = s_recorded with { PendingRunFailsWithPass = false },
        ["SizeChangesDespiteError"] = s_recorded with { SizeChangesDespiteError = false },
        ["TimesFollowFallocate"] = s_recorded with { TimesFollowFallocate = false },
        ["CapabilityIsAsked"] = s_recorded with { CapabilityIsAsked = false },
        ["TouchCarriesAtimeNow"] = s_recorded with { TouchCarriesAtimeNow = false },
        ["NoWaitReachesServer"] = s_recorded with { NoWaitReachesServer = false },
        ["AtomicNeedsAtomicBio"] = s_recorded with { AtomicNeedsAtomicBio = true },
        ["EndIsLostWhenKilled"] = s_recorded with { EndIsLostWhenKilled = false },
        ["RootIsExclusive"] = s_recorded with { RootIsExclusive = true },
        ["ReadErrorIsRetried"] = s_recorded with { ReadErrorIsRetried = false },
        ["PureOverwriteFlagsAreAccepted"] = s_recorded with { PureOverwriteFlagsAreAccepted = false },
        ["AttributesRaiseDiskSize"] = s_recorded with { AttributesRaiseDiskSize = false },
        ["ReportUsesCache"] = s_recorded with { ReportUsesCache = false },
        ["WantEndWorks"] = s_recorded with { WantEndWorks = true },
        ["WritebackEnds"] = s_recorded with { WritebackEnds = true },
        ["NewSizeIsAssigned"] = s_recorded with { NewSizeIsAssigned = false },
        ["ZeroingFlushes"] = s_recorded with { ZeroingFlushes = false },
        ["InlineReadsWholeMapping"] = s_recorded with { InlineReadsWholeMapping = true },
        ["InlineShortWriteFails"] = s_recorded with { InlineShortWriteFails = false },
        ["AddIomapAfterMount"] = s_recorded with { AddIomapAfterMount = false },
        ["OpenModeIsChecked"] = s_recorded with { OpenModeIsChecked = true },
        ["BackingCloseIsAlwaysBusy"] = s_recorded with { BackingCloseIsAlwaysBusy = false },
        ["SwapOffIsSuppressed"] = s_recorded with { SwapOffIsSuppressed = false },
        ["ConfigErrorIsPassedOn"] = s_recorded with { ConfigErrorIsPassedOn = false },
        ["InvalInodeDuringConfig"] = s_recorded with { InvalInodeDuringConfig = false },
        ["OpenDropsCache"] = s_recorded with { OpenDropsCache = false },
        ["NewAddressIsSectors"] = s_recorded with { NewAddressIsSectors = false },
        ["FlusherSendsTimesFirst"] = s_recorded with { FlusherSendsTimesFirst = false },
        ["FailedTimesAreForgotten"] = s_recorded with { FailedTimesAreForgotten = false },
    };

    public static TheoryData<string> Names() => [.. s_turned.Keys];

    [Fact]
    public void Every_quirk_is_turned() =>
        Assert.Equal(typeof(Quirks).GetProperties().Where(property => property.PropertyType == typeof(bool))
            .Select(property => property.Name).Order(), s_turned.Keys.Order());

    [Theory]
    [MemberData(nameof(Names))]
    public void A_server_does_not_depend_on_a_quirk(string name)
    {
        int seed = Seeds.Next();
        RefPolicy policy = RefPolicy.Recorded with { Delays = seed % 2 == 0, Upserts = seed % 3 == 0, IsInline = seed % 5 == 0 };
        using Bench bench = ReferenceBench.Make(policy, TwinOptions.V8 with { Quirks = s_turned[name], Seed = seed });
        // Without the flush the kernel itself leaves dirty bytes where zeros belong: no server can make that right.
        new RandomOperations(bench, seed, name == "ZeroingFlushes" ? 0 : 80).Run();
        bench.Finish();
    }
}
