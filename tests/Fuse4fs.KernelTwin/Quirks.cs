namespace Fuse4fs.KernelTwin;

/// <summary>Each way in which the kernel behaves as one would not expect, or differently by revision. The defaults of V8
/// are what was recorded; those of V9 what its sources say, and the recording where they say nothing.</summary>
public sealed record Quirks
{
    public static Quirks V8 { get; } = new();

    public static Quirks V9 { get; } = new()
    {
        SyncfsAtUnmount = true,
        ForgetsAtUnmount = true,
        UnlinkedDirtyIsWritten = false,
        WritebackIoendErrorIsLost = false,
        AtomicNeedsAtomicBio = true,
        RootIsExclusive = true,
        ReportUsesCache = false,
        WantEndWorks = true,
        WritebackEnds = true,
        NewSizeIsAssigned = false,
        InlineReadsWholeMapping = true,
        InlineShortWriteFails = false,
        AddIomapAfterMount = false,
        OpenModeIsChecked = true,
        BackingCloseIsAlwaysBusy = false,
        SwapOffIsSuppressed = false,
        PureOverwriteFlagsAreAccepted = false,
        ConfigErrorIsPassedOn = false,
        InvalInodeDuringConfig = false,
        NoWaitReachesServer = false,
        TouchCarriesAtimeNow = false,
    };

    /// <summary>Traces 1-2: unmounting sends SYNCFS.</summary>
    public bool SyncfsAtUnmount { get; init; }

    /// <summary>Traces 1-2: unmounting sends FORGETs.</summary>
    public bool ForgetsAtUnmount { get; init; }

    /// <summary>Traces 1-1: every close writes back all data and flushes times.</summary>
    public bool CloseWritesBack { get; init; } = true;

    /// <summary>Traces 1-3: dirty data of an unlinked file is written at its last close.</summary>
    public bool UnlinkedDirtyIsWritten { get; init; } = true;

    /// <summary>Traces 1-4: an error answered to a write-back IOEND is seen by nobody.</summary>
    public bool WritebackIoendErrorIsLost { get; init; } = true;

    /// <summary>Traces 1-5: a failed page also fails the run that is pending at the end of an integrity pass.</summary>
    public bool PendingRunFailsWithPass { get; init; } = true;

    /// <summary>Traces 1-6: the in-core size has changed although SETATTR(SIZE) failed.</summary>
    public bool SizeChangesDespiteError { get; init; } = true;

    /// <summary>Traces 1-7: times are flushed within FALLOCATE and COPY_FILE_RANGE, also after an error.</summary>
    public bool TimesFollowFallocate { get; init; } = true;

    /// <summary>Traces 1-8: security.capability is asked before each write.</summary>
    public bool CapabilityIsAsked { get; init; } = true;

    /// <summary>Traces 1-10: utimensat(now) carries ATIME_NOW. ABI 8.3: all times are explicit.</summary>
    public bool TouchCarriesAtimeNow { get; init; } = true;

    /// <summary>Traces 1-11: a direct read with RWF_NOWAIT sends BEGIN and waits. ABI 6.1: what is not cached is EAGAIN.</summary>
    public bool NoWaitReachesServer { get; init; } = true;

    /// <summary>Traces 1-12: an atomic write without ATOMIC_BIO fails with EIO.</summary>
    public bool AtomicNeedsAtomicBio { get; init; }

    /// <summary>Traces 1-14: the END of a killed writer is not sent.</summary>
    public bool EndIsLostWhenKilled { get; init; } = true;

    /// <summary>Traces 1-15: the root behaves as an exclusive inode.</summary>
    public bool RootIsExclusive { get; init; }

    /// <summary>Traces 1-20: a failed read-ahead is tried again for the single page, and then is EIO.</summary>
    public bool ReadErrorIsRetried { get; init; } = true;

    /// <summary>Traces 1-21: PURE_OVERWRITE may carry flags.</summary>
    public bool PureOverwriteFlagsAreAccepted { get; init; } = true;

    /// <summary>Traces 16, ABI 6.4: an attribute reply makes the kernel believe its own size is persisted, so the
    /// size of an append is never reported but by END.</summary>
    public bool AttributesRaiseDiskSize { get; init; } = true;

    /// <summary>ABI 14: REPORT operations use cached mappings.</summary>
    public bool ReportUsesCache { get; init; } = true;

    /// <summary>ABI 14: WANT_IOMAP_END has an effect.</summary>
    public bool WantEndWorks { get; init; }

    /// <summary>ABI 6.3: each BEGIN of write-back is followed by an END with written 0.</summary>
    public bool WritebackEnds { get; init; }

    /// <summary>ABI 14: newsize is assigned, not a maximum; 0 makes later IOENDs carry APPEND.</summary>
    public bool NewSizeIsAssigned { get; init; } = true;

    /// <summary>Traces 5.1: zeroing meets dirty cache over a hole or unwritten blocks: write back, END(STALE), again.
    /// </summary>
    public bool ZeroingFlushes { get; init; } = true;

    /// <summary>ABI 14: an inline read asks for the mapping, not for the page or the request.</summary>
    public bool InlineReadsWholeMapping { get; init; }

    /// <summary>ABI 14: a short inline write is EIO, not continued.</summary>
    public bool InlineShortWriteFails { get; init; } = true;

    /// <summary>Traces 2: ADD_IOMAP works on a mounted descriptor.</summary>
    public bool AddIomapAfterMount { get; init; } = true;

    /// <summary>ABI 14: using a device against the mode of its descriptor is EACCES.</summary>
    public bool OpenModeIsChecked { get; init; }

    /// <summary>ABI 14: BACKING_CLOSE is always EBUSY.</summary>
    public bool BackingCloseIsAlwaysBusy { get; init; } = true;

    /// <summary>ABI 14: no IOEND(SWAPOFF) after ENOSYS.</summary>
    public bool SwapOffIsSuppressed { get; init; } = true;

    /// <summary>Traces 1-19: mount(2) returns the server's errno for CONFIG, not EINVAL.</summary>
    public bool ConfigErrorIsPassedOn { get; init; } = true;

    /// <summary>Traces 2: INVAL_INODE is accepted inside the handler of CONFIG.</summary>
    public bool InvalInodeDuringConfig { get; init; } = true;

    /// <summary>Traces 4: OPEN without FOPEN_KEEP_CACHE drops the page cache.</summary>
    public bool OpenDropsCache { get; init; } = true;

    /// <summary>Traces 1-24: new_addr of write-back counts 512-byte sectors.</summary>
    public bool NewAddressIsSectors { get; init; } = true;

    /// <summary>Traces 5.3: the flusher sends times before the IOENDs of the data.</summary>
    public bool FlusherSendsTimesFirst { get; init; } = true;

    /// <summary>Traces 5.3: a failed time flush is not repeated.</summary>
    public bool FailedTimesAreForgotten { get; init; } = true;
}
