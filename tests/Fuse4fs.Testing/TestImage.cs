using System.Security.Cryptography;

namespace Fuse4fs.Testing;

/// <summary>An image file made by mke2fs in a directory of its own; Dispose removes it.</summary>
public sealed class TestImage : IDisposable
{
    /// <summary>What mke2fs gets when a test names no size.</summary>
    public const long DefaultSizeBytes = 64L << 20;

    private readonly TemporaryDirectory _directory = new();

    /// <summary>Runs mke2fs.</summary>
    /// <param name="options">mke2fs options, separated by blanks, as in "-t ext4 -b 1024 -O ^has_journal".</param>
    /// <param name="sizeBytes">Size of the (sparse) image file.</param>
    /// <param name="contents">A directory whose tree is copied in (mke2fs -d).</param>
    public TestImage(string options, long sizeBytes = DefaultSizeBytes, string? contents = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        Path = _directory.Combine("image");
        try
        {
            CreateSparse(Path, sizeBytes);
            string[] given = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string[] source = contents is null ? [] : ["-d", contents];
            Tool.Check("mke2fs", ["-q", "-F", .. given, .. source, Path]);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private TestImage(TestImage original)
    {
        Path = _directory.Combine("image");
        Tool.Check("cp", "--sparse=always", "--reflink=auto", original.Path, Path);
        if (original.JournalPath is { } journal)
        {
            Tool.Check("cp", "--sparse=always", "--reflink=auto", journal, Path + ".journal");
        }
    }

    /// <summary>The image file.</summary>
    public string Path { get; }

    /// <summary>The external journal beside the image, or null when it has none.</summary>
    public string? JournalPath => File.Exists(Path + ".journal") ? Path + ".journal" : null;

    /// <summary>The directory the image is in, for further files of the test.</summary>
    public TemporaryDirectory Directory => _directory;

    /// <summary>An independent copy.</summary>
    public TestImage Copy() => new(this);

    /// <summary>e2fsck -fn finds nothing.</summary>
    /// <exception cref="OracleException">It found something.</exception>
    public void AssertClean() => E2fsck.AssertClean(Path, JournalPath);

    /// <summary>SHA-256 of the whole file.</summary>
    public string Hash()
    {
        using FileStream stream = File.OpenRead(Path);
        return Convert.ToHexString(SHA256.HashData(stream));
    }

    /// <summary>Creates a file of holes.</summary>
    public static void CreateSparse(string path, long sizeBytes)
    {
        using FileStream stream = File.Create(path);
        stream.SetLength(sizeBytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();
}
