using System.Globalization;

namespace Fuse4fs.Testing;

/// <summary>A file system in memory that is soon full: sparse files in it have no room for what they promise.</summary>
public sealed class SmallFileSystem : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    /// <summary>Mounts one.</summary>
    public SmallFileSystem(long sizeBytes)
    {
        Path = _directory.CreateSubdirectory("small");
        string size = sizeBytes.ToString(CultureInfo.InvariantCulture);
        Tool.Check("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", Path);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>The name of something inside.</summary>
    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose()
    {
        Tool.Run("umount", Path);
        _directory.Dispose();
    }
}
