using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>The mount's options as the engine takes them.</summary>
internal static class EngineOptions
{
    private const long DefaultCacheBytes = 64L << 20;

    /// <param name="options">Of the mount.</param>
    /// <param name="isSourceReadOnly">Nothing can be written.</param>
    /// <param name="events">Where damage is reported.</param>
    /// <param name="tellsPlaces">The kernel writes file data itself.</param>
    public static VolumeOptions Create(
        ServeOptions options, bool isSourceReadOnly, IEngineEvents events, bool tellsPlaces = false) => new()
    {
        TellsPlaces = tellsPlaces,
        ReadOnly = options.ReadOnly || isSourceReadOnly,
        LoadJournal = options.LoadJournal,
        SuperblockNumber = options.SuperblockKibibytes,
        JournalDevice = OpenJournal(options, isSourceReadOnly),
        CommitInterval = options.CommitSeconds is int seconds and > 0
            ? TimeSpan.FromSeconds(seconds)
            : new VolumeOptions().CommitInterval,
        ErrorsPolicy = options.Errors,
        DataMode = options.DataMode,
        AbortsOnDataFailure = options.AbortOnDataFailure,
        ReservedUserId = options.ReserveUserId,
        ReservedGroupId = options.ReserveGroupId,
        GroupOfDirectory = options.GroupOfDirectory,
        DiscardsFreed = options.Discard,
        StripeBlocks = options.StripeBlocks,
        MountPoint = options.MountPoint.StartsWith("/dev/fd/", StringComparison.Ordinal)
            ? null
            : Path.GetFullPath(options.MountPoint),
        MinixDf = options.MinixStatistics,
        QuotaLimits = options.QuotaLimits,
        Events = events,
        CacheBytes = options.CacheBytes ?? DefaultCacheBytes,
    };

    private static ImageFile? OpenJournal(ServeOptions options, bool isSourceReadOnly)
    {
        if (options.JournalPath is not string path)
        {
            return null;
        }
        bool isReadOnly = options.ReadOnly || isSourceReadOnly;
        Errno error = options.Given is { Journal: { } given }
            ? ImageFile.Adopt(given, isReadOnly, 0, out ImageFile? journal)
            : ImageFile.Open(path, isReadOnly, 0, isExclusive: false, out journal);
        return error == Errno.Ok ? journal : throw new MountRefusedException($"{path}: the journal cannot be opened: {error}");
    }
}
