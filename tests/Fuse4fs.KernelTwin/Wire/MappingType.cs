namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_IOMAP_TYPE_*. The first five are the wire's numbers; the others differ by revision.</summary>
public enum MappingType
{
    Hole = 0, Delalloc = 1, Mapped = 2, Unwritten = 3, Inline = 4,

    /// <summary>Write slot: use the read mapping.</summary>
    PureOverwrite,

    /// <summary>Reply to BEGIN: look into the cache again.</summary>
    RetryCache,

    /// <summary>Upsert: leave this fork alone.</summary>
    NoCache,

    /// <summary>Mapped, on a stripe set.</summary>
    MappedStripe,

    /// <summary>Unwritten, on a stripe set.</summary>
    UnwrittenStripe,

    /// <summary>A number that no revision in use knows.</summary>
    Unknown,
}
