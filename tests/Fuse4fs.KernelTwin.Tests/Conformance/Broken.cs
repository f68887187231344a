using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Tests.Reference;

namespace Fuse4fs.KernelTwin.Tests.Conformance;

/// <summary>A way to be broken, the server it is tried in, and what must catch it.</summary>
/// <param name="Rule">The rule whose number must come up; null: a comparison of contents, sizes, names or space.</param>
public sealed record Broken(Mischief Mischief, Rule? Rule, RefPolicy Policy, TwinOptions Options)
{
    private static readonly RefPolicy s_plain = RefPolicy.Recorded;
    private static readonly RefPolicy s_delayed = RefPolicy.Recorded with { Delays = true };
    private static readonly RefPolicy s_cached = RefPolicy.Recorded with { Upserts = true };
    private static readonly RefPolicy s_inline = RefPolicy.Recorded with { IsInline = true };

    public static IReadOnlyList<Broken> All { get; } =
    [
        Of(Mischief.UnalignedLengthAtEof, RuleBook.Alignment),
        Of(Mischief.HoleToWriteback, RuleBook.WritebackTarget),
        Of(Mischief.HoleToBufferedWrite, RuleBook.BufferedTarget),
        Of(Mischief.HoleToDirectWrite, RuleBook.DirectTarget),
        Of(Mischief.DelallocToDirectWrite, RuleBook.DirectTarget, s_delayed),
        Of(Mischief.StaleCacheAfterAllocation, RuleBook.StaleRecord, s_cached),
        Of(Mischief.BlockUsedTwice, RuleBook.BlockInFlight),
        Of(Mischief.BlockUsedTwice, RuleBook.BlockReuse, s_cached),
        Of(Mischief.WrongNullAddress, RuleBook.NeedsNoAddress),
        Of(Mischief.SizeChangedIgnored, RuleBook.PersistedSize),
        Of(Mischief.FsyncForgetsPendingSize, RuleBook.PersistedSize),
        Of(Mischief.EndFreesWhatWasWritten, null, s_delayed),
        Of(Mischief.EndKeepsReservation, null, s_delayed with { ConvertsWholeExtents = false }),
        Of(Mischief.IoendSetsSize, RuleBook.PersistedSize),
        Of(Mischief.IoendAnswersZero, RuleBook.NewSize),
        Of(Mischief.IoendDoesNotConvert, RuleBook.Converted),
        Of(Mischief.FreshMappedWithoutNew, null),
        Of(Mischief.UnwrittenReportedMapped, null),
        Of(Mischief.EmptyWriteSlot, RuleBook.Alignment),
        Of(Mischief.MappingBesidePosition, RuleBook.CoversPosition),
        Of(Mischief.KernelFlagSet, RuleBook.KnownType),
        Of(Mischief.UnknownType, RuleBook.KnownType),
        Of(Mischief.UnknownDevice, RuleBook.KnownDevice),
        Of(Mischief.PureOverwriteInReadSlot, RuleBook.PureOverwrite),
        Of(Mischief.RetryWithoutCache, RuleBook.RetryCache),
        Of(Mischief.RetryForever, RuleBook.Starvation),
        Of(Mischief.NoCacheInReply, RuleBook.NoCacheInReply),
        Of(Mischief.ShortBeginReply, RuleBook.ReplySize),
        Of(Mischief.EmptyIoendReply, RuleBook.ReplySize),
        Of(Mischief.EndAnsweredWithBody, RuleBook.ReplySize),
        Of(Mischief.PositiveErrno, RuleBook.ReplyError),
        Of(Mischief.ErrorWithBody, RuleBook.ReplyError),
        Of(Mischief.AnsweredTwice, RuleBook.ReplyUnique),
        Of(Mischief.ServerTouchesTimes, RuleBook.TimesOwned),
        Of(Mischief.SetattrIgnoresSize, RuleBook.SizeAfterSetattr),
        Of(Mischief.TruncateKeepsBlocks, null),
        Of(Mischief.TruncateLosesTail, RuleBook.Converted),
        Of(Mischief.PunchFreesEdges, RuleBook.Converted),
        Of(Mischief.PunchKeepsInner, null),
        Of(Mischief.FallocateForgetsSize, RuleBook.PersistedSize),
        Of(Mischief.CopyForgetsSize, RuleBook.PersistedSize),
        Of(Mischief.OpenKeepsDataDespiteTruncate, null,
            s_plain with { Init = s_plain.Init | Wire.InitFlags.AtomicTruncate }),
        Of(Mischief.AddressBeyondDevice, RuleBook.DeviceBounds),
        Of(Mischief.MisalignedAddress, RuleBook.SectorAddress),
        Of(Mischief.AddressOffByOneBlock, null),
        Of(Mischief.NodeReusedTooEarly, RuleBook.NodeReuse),
        Of(Mischief.BlocksFreedAtUnlink, RuleBook.Converted),
        Of(Mischief.BlocksNeverFreed, null),
        Of(Mischief.IomapWithoutExclusive, RuleBook.ExclusiveIomap),
        Of(Mischief.ModeNotStored, RuleBook.ModeStored),
        Of(Mischief.UpsertWithWrongInode, RuleBook.NotificationTarget, s_cached),
        Of(Mischief.UpsertUnaligned, RuleBook.Alignment, s_cached),
        Of(Mischief.UpsertOfRetry, RuleBook.UpsertType, s_cached),
        Of(Mischief.UpsertBeyondDevice, RuleBook.UpsertRange, s_cached),
        Of(Mischief.InvalUnaligned, RuleBook.InvalRange),
        Of(Mischief.NotifiedTooEarly, RuleBook.EarlyNotification),
        Of(Mischief.InvalInodeInHandler, RuleBook.Deadlock),
        Of(Mischief.InlineReadEmpty, RuleBook.InlineTransfer, s_inline),
        Of(Mischief.InlineTooLong, RuleBook.InlineShape, s_inline),
        Of(Mischief.InlineForFault, RuleBook.FaultTarget, s_inline),
        Of(Mischief.ConfigWithOddBlockSize, RuleBook.ConfigReply),
        Of(Mischief.InitWithOldMinor, RuleBook.InitVersion),
        Of(Mischief.OpenAsStream, RuleBook.OpenFlags),
        Of(Mischief.RenameKeepsOldName, null),
        Of(Mischief.RelocatedWithoutInval, RuleBook.BlockReuse, s_cached),
        Of(Mischief.DirtySwapFile, RuleBook.SwapTarget),
        Of(Mischief.EndErrorForWriteback, RuleBook.EndAnswer, s_plain, TwinOptions.V9),
        Of(Mischief.DeviceOpenedReadOnly, RuleBook.DeviceMode, s_plain, TwinOptions.V9),
        Of(Mischief.DestroyBeforeRelease, RuleBook.DestroyLast),
        Of(Mischief.NotblkAnswered, RuleBook.NoEnotblk),
        Of(Mischief.AtomicWithoutFlag, RuleBook.AtomicTarget,
            s_plain with { FileFlags = s_plain.FileFlags | Wire.AttributeFlags.Atomic }, TwinOptions.V9),
        Of(Mischief.IoendConvertsDespiteError, null),
    ];

    public override string ToString() => $"{Mischief} -> {Rule?.Number ?? "comparison"}";

    private static Broken Of(Mischief mischief, Rule? rule, RefPolicy? policy = null, TwinOptions? options = null) =>
        new(mischief, rule, (policy ?? s_plain) with { Mischief = mischief }, options ?? TwinOptions.V8);
}
