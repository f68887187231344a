namespace Fuse4fs.KernelTwin.Rules;

/// <summary>Every rule the twin checks. Numbers are sections of the ABI document.</summary>
public static class RuleBook
{
    // Framing.
    public static Rule ReplySize { get; } = new("1.1/size", "a reply has exactly the size of its struct");
    public static Rule ReplyError { get; } = new("1.1/error", "an error is a negative errno in a bare header");
    public static Rule ReplyUnique { get; } = new("1.1/unique", "a request is answered once, on its descriptor");
    public static Rule ReplyLength { get; } = new("1.1/length", "a message carries its length in its header");
    public static Rule EarlyNotification { get; } = new("1.1/early", "no notification before CONFIG is finished");

    // INIT and CONFIG.
    public static Rule InitVersion { get; } = new("3.2/version", "INIT is answered with 7.99");
    public static Rule ConfigReply { get; } = new("4/config", "CONFIG's fields are in their bounds");

    // One mapping: the numbers are those of section 6.2.
    public static Rule KnownType { get; } = new("6.2/1", "the type is known, flags are within 0x00FF");
    public static Rule Alignment { get; } = new("6.2/2",
        "length > 0, offset and length are block multiples, no overflow, offset < s_maxbytes");
    public static Rule NeedsAddress { get; } = new("6.2/3", "address-bearing types have a device and an address");
    public static Rule NeedsNoAddress { get; } = new("6.2/4", "HOLE, DELALLOC, INLINE: device 0, NULL_ADDR");
    public static Rule PureOverwrite { get; } = new("6.2/5", "PURE_OVERWRITE: write slot, no flags, device, address");
    public static Rule RetryCache { get; } = new("6.2/6", "RETRY_CACHE, NOCACHE: empty; RETRY needs a cache");
    public static Rule AddressOverflow { get; } = new("6.2/7", "address + length does not overflow");
    public static Rule NoCacheInReply { get; } = new("6.2/8", "no NOCACHE in a reply to BEGIN");
    public static Rule CoversPosition { get; } = new("6.2/9", "both slots contain the position");
    public static Rule RetryUncached { get; } = new("6.2/10", "no RETRY_CACHE for an uncached operation");
    public static Rule KnownDevice { get; } = new("6.2/11", "the device is registered and of the right kind");

    // What a mapping may be for an operation: the table of 6.2.
    public static Rule WritebackTarget { get; } = new("6.2/writeback", "write-back needs MAPPED or UNWRITTEN");
    public static Rule DirectTarget { get; } = new("6.2/direct", "direct I/O gets no DELALLOC, direct writes no HOLE");
    public static Rule BufferedTarget { get; } = new("6.2/write", "a buffered write reserves or allocates");
    public static Rule FaultTarget { get; } = new("6.2/fault", "a write fault does not get INLINE or HOLE");
    public static Rule SwapTarget { get; } = new("6.2/swap", "swapon needs plain blocks, not DIRTY, not SHARED");
    public static Rule InlineShape { get; } = new("6.2/inline", "INLINE is at offset 0 and one block long");
    public static Rule AtomicTarget { get; } = new("6.2/atomic", "an atomic write needs ATOMIC_BIO on its blocks");
    public static Rule SectorAddress { get; } = new("6.2/sector", "addresses are multiples of the device's sector");
    public static Rule DeviceBounds { get; } = new("6.2/bounds", "the range lies inside its device");
    public static Rule DeviceMode { get; } = new("2.3/mode", "the device was opened with the mode its use needs");
    public static Rule NoEnotblk { get; } = new("6.2/enotblk", "BEGIN is not answered with ENOTBLK");

    // Completions.
    public static Rule NewSize { get; } = new("6.4/newsize", "newsize is at least pos + written");
    public static Rule Converted { get; } = new("6.4/convert", "what was written stays written");
    public static Rule PersistedSize { get; } = new("6.4/size", "a size that fsync or close covered is reported");
    public static Rule EndAnswer { get; } = new("6.3/end", "END of write-back is answered with 0");

    // The cache and who may use a block.
    public static Rule StaleRecord { get; } = new("7.7/begin", "an answer does not contradict a record still cached");
    public static Rule BlockReuse { get; } = new("7.7/reuse", "a block is not handed out while another file maps it");
    public static Rule BlockInFlight { get; } = new("7.7/flight", "a block is not handed out while I/O to it runs");
    public static Rule SwapLease { get; } = new("12/swap", "a leased block is not handed out or moved");
    public static Rule Starvation { get; } = new("7.4/retry", "RETRY_CACHE leads to a mapping");
    public static Rule UpsertRange { get; } = new("7.3/bounds", "an upserted range lies inside its device");
    public static Rule UpsertType { get; } = new("7.3/type", "no RETRY_CACHE and no stripe in an upsert");
    public static Rule InvalRange { get; } = new("7.5/range", "an invalidated range is aligned");
    public static Rule BackingRange { get; } = new("7.6/range", "a device range to drop lies inside the device");
    public static Rule NotificationTarget { get; } = new("7.3/inode", "attr_ino is the inode's, the inode is iomap");
    public static Rule Deadlock { get; } = new("7.8/deadlock", "no INVAL_INODE/ENTRY for what a request holds locked");

    // Attributes.
    public static Rule TimesOwned { get; } = new("8.2/times", "mtime and ctime of a file are those last sent");
    public static Rule SizeAfterSetattr { get; } = new("8.3/size", "SETATTR(SIZE) is answered with that size");
    public static Rule ModeStored { get; } = new("8.3/mode", "SETATTR's mode and owner are reported from then on");
    public static Rule ConstantFlags { get; } = new("8.1/flags", "EXCLUSIVE and IOMAP stay as they were");
    public static Rule ExclusiveIomap { get; } = new("8.1/iomap", "IOMAP comes with EXCLUSIVE");
    public static Rule OpenFlags { get; } = new("8.1/open", "no PASSTHROUGH, STREAM, NONSEEKABLE on an iomap file");
    public static Rule NodeReuse { get; } = new("5/forget", "a node id is not reused before it is forgotten");
    public static Rule InlineTransfer { get; } = new("9/transfer", "inline reads and writes move what they should");

    // End of the connection.
    public static Rule DestroyLast { get; } = new("10/destroy", "RELEASE is answered before DESTROY is");
    public static Rule StripeShape { get; } = new("11/stripe", "strip width and addresses are block multiples");

    public static IReadOnlyList<Rule> All { get; } =
    [
        ReplySize, ReplyError, ReplyUnique, ReplyLength, EarlyNotification, InitVersion, ConfigReply, KnownType,
        Alignment, NeedsAddress, NeedsNoAddress, PureOverwrite, RetryCache, AddressOverflow, NoCacheInReply,
        CoversPosition, RetryUncached, KnownDevice, WritebackTarget, DirectTarget, BufferedTarget, FaultTarget,
        SwapTarget, InlineShape, AtomicTarget, SectorAddress, DeviceBounds, DeviceMode, NoEnotblk, NewSize, Converted,
        PersistedSize, EndAnswer, StaleRecord, BlockReuse, BlockInFlight, SwapLease, Starvation, UpsertRange,
        UpsertType, InvalRange, BackingRange, NotificationTarget, Deadlock, TimesOwned, SizeAfterSetattr, ModeStored,
        ConstantFlags, ExclusiveIomap, OpenFlags, NodeReuse, InlineTransfer, DestroyLast, StripeShape,
    ];
}
