namespace Fuse4fs.Bench.Scenarios;

/// <summary>How much of everything; the defaults are what the documentation reports.</summary>
internal sealed record Sizes
{
    /// <summary>Directory that is copied into the image as "tree".</summary>
    public string Tree { get; init; } = "/usr";

    /// <summary>Larger files of the tree are left out, so that names weigh more than data.</summary>
    public int TreeFileLimitKib { get; init; } = 512;

    /// <summary>Directory that is packed and unpacked by the writing steps.</summary>
    public string Source { get; init; } = "/usr/include";

    /// <summary>Bytes of the file for sequential and random reading, MiB.</summary>
    public int BigMib { get; init; } = 1024;

    /// <summary>Entries of the large directory.</summary>
    public int ManyEntries { get; init; } = 100_000;

    /// <summary>Files in the sets that are created, looked up, renamed and removed.</summary>
    public int Files { get; init; } = 10_000;

    /// <summary>Bytes written sequentially, MiB.</summary>
    public int WriteMib { get; init; } = 2048;

    /// <summary>Size of the sparse images, GiB.</summary>
    public int ImageGib { get; init; } = 8;

    /// <summary>Small enough to try the tool itself.</summary>
    public static Sizes Quick => new()
    {
        Tree = "/usr/include",
        BigMib = 128,
        ManyEntries = 10_000,
        Files = 2_000,
        WriteMib = 256,
        ImageGib = 3,
    };
}
