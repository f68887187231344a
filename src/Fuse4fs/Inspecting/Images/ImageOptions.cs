namespace Fuse4fs.Inspecting.Images;

/// <summary>Which image, and how it is opened.</summary>
internal sealed record ImageOptions
{
    /// <summary>File or block device.</summary>
    public required string Path { get; init; }

    /// <summary>offset=: where the file system starts, bytes.</summary>
    public long OffsetBytes { get; init; }

    /// <summary>sb=: superblock in units of 1 KiB; null for the primary one.</summary>
    public ulong? SuperblockNumber { get; init; }

    /// <summary>False with noload: a dirty journal is not replayed in memory.</summary>
    public bool LoadJournal { get; init; } = true;

    /// <summary>journal_path=: the external journal.</summary>
    public string? JournalPath { get; init; }
}
