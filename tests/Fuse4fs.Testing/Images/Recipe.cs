using System.Globalization;

namespace Fuse4fs.Testing.Images;

/// <summary>How one image is made: a section of images/recipes.ini, whose head explains the fields.</summary>
public sealed record Recipe
{
    /// <summary>Unique name.</summary>
    public required string Name { get; init; }

    /// <summary>mke2fs -O.</summary>
    public required string Features { get; init; }

    /// <summary>Further options of mke2fs.</summary>
    public string Options { get; init; } = "";

    /// <summary>Size of the image file.</summary>
    public long SizeBytes { get; init; } = TestImage.DefaultSizeBytes;

    /// <summary>Names of fillers.</summary>
    public IReadOnlyList<string> Fill { get; init; } = ["tree"];

    /// <summary>Not filled through the kernel.</summary>
    public bool IsOffline { get; init; }

    /// <summary>Options of the kernel mount it is filled through.</summary>
    public string MountOptions { get; init; } = "";

    /// <summary>Shell commands run on the empty image.</summary>
    public string Before { get; init; } = "";

    /// <summary>Shell commands run on the filled image.</summary>
    public string After { get; init; } = "";

    /// <summary>Options of the kernel mount that is the oracle, or "debugfs".</summary>
    public string Oracle { get; init; } = "";

    /// <summary>Why the image exists.</summary>
    public string Proves { get; init; } = "";

    /// <summary>The kernel's ext4 does not mount it everywhere: debugfs is the oracle.</summary>
    public bool IsJudgedByDebugfs => Oracle == "debugfs";

    /// <summary>All that mke2fs is given.</summary>
    public string MakeOptions => $"-b 4096 -O {Features} {Options}";

    /// <summary>The size of blocks: the last -b counts.</summary>
    public int BlockSizeBytes
    {
        get
        {
            string[] words = MakeOptions.Split(' ');
            return int.Parse(words[Array.LastIndexOf(words, "-b") + 1], CultureInfo.InvariantCulture);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
