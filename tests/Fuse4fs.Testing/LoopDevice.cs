namespace Fuse4fs.Testing;

/// <summary>A file as a block device.</summary>
public sealed class LoopDevice : IDisposable
{
    /// <summary>Attaches.</summary>
    /// <param name="file">The file.</param>
    /// <param name="options">Of losetup, as in "--sector-size=4096".</param>
    public LoopDevice(string file, params string[] options) =>
        Path = Tool.Check("losetup", ["--find", "--show", .. options, file]).Trim();

    /// <summary>The device's name.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose() => Tool.Run("losetup", "--detach", Path);
}
