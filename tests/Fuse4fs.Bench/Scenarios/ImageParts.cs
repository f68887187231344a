namespace Fuse4fs.Bench.Scenarios;

/// <summary>Parts of the image for reading; a server without storage gets only what a scenario reads.</summary>
[Flags]
internal enum ImageParts
{
    /// <summary>Only what warming up needs.</summary>
    None = 0,

    /// <summary>tree: a copy of a real directory tree.</summary>
    Tree = 1,

    /// <summary>big: one large file.</summary>
    Big = 2,

    /// <summary>part0 to part3: four files read at once.</summary>
    Quarters = 4,

    /// <summary>many: one directory with very many entries.</summary>
    Many = 8,

    /// <summary>small: files of 4 KiB.</summary>
    Small = 16,
}
