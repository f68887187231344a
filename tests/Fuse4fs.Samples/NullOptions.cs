namespace Fuse4fs.Samples;

/// <summary>What the null server starts with.</summary>
internal sealed record NullOptions
{
    /// <summary>Directories d0, d1, ... in the root.</summary>
    public int Directories { get; init; }

    /// <summary>Files f0, f1, ... in each of them.</summary>
    public int FilesPerDirectory { get; init; }

    /// <summary>Size of each, bytes.</summary>
    public ulong FileBytes { get; init; }

    /// <summary>For a read-only mount: files open without asking the server.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Where the data of a READ comes from.</summary>
    public NullData Data { get; init; }

    /// <summary>For <see cref="NullData.Pread"/> and <see cref="NullData.Mapping"/>: every file reads as this one.</summary>
    public string? BackingFile { get; init; }
}
