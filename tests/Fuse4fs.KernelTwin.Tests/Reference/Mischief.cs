namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>Ways in which the reference server can be broken on purpose, one at a time.</summary>
public enum Mischief
{
    None,
    UnalignedLengthAtEof, HoleToWriteback, HoleToBufferedWrite, HoleToDirectWrite, DelallocToDirectWrite,
    StaleCacheAfterAllocation, BlockUsedTwice, WrongNullAddress, SizeChangedIgnored, EndFreesWhatWasWritten,
    EndKeepsReservation, IoendSetsSize, IoendAnswersZero, IoendDoesNotConvert, IoendConvertsDespiteError,
    FreshMappedWithoutNew, UnwrittenReportedMapped, EmptyWriteSlot, MappingBesidePosition, KernelFlagSet,
    UnknownDevice, PureOverwriteInReadSlot, RetryWithoutCache, RetryForever, NoCacheInReply, UnknownType,
    ShortBeginReply, EmptyIoendReply, PositiveErrno, ErrorWithBody, AnsweredTwice, EndAnsweredWithBody,
    ServerTouchesTimes, SetattrIgnoresSize, TruncateKeepsBlocks, TruncateLosesTail, PunchFreesEdges, PunchKeepsInner,
    FallocateForgetsSize, OpenKeepsDataDespiteTruncate, AddressBeyondDevice, MisalignedAddress, AddressOffByOneBlock,
    NodeReusedTooEarly, BlocksFreedAtUnlink, BlocksNeverFreed, IomapWithoutExclusive, ModeNotStored,
    UpsertWithWrongInode, UpsertUnaligned, UpsertOfRetry, UpsertBeyondDevice, InvalUnaligned, NotifiedTooEarly,
    InlineReadEmpty, InlineTooLong, InlineForFault, CopyForgetsSize, InvalInodeInHandler, ConfigWithOddBlockSize,
    InitWithOldMinor, OpenAsStream, RenameKeepsOldName, RelocatedWithoutInval, DirtySwapFile, EndErrorForWriteback,
    DeviceOpenedReadOnly, DestroyBeforeRelease, NotblkAnswered, FsyncForgetsPendingSize, AtomicWithoutFlag,
}
