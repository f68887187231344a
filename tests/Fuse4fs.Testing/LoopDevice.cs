namespace Fuse4fs.Testing;

/// <summary>A file as a block device.</summary>
public sealed class LoopDevice : IDisposable
{
    /// <summary>Attaches.</summary>
    public LoopDevice(string file) => Path = Tool.Check("losetup", "--find", "--show", file).Trim();

    /// <summary>The device's name.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose() => Tool.Run("losetup", "--detach", Path);
}
