using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>Debian's fuse2fs: ext4 in C over libext2fs and libfuse.</summary>
internal sealed class Fuse2fs : IBenchSystem
{
    /// <inheritdoc/>
    public string Name => "fuse2fs";

    /// <inheritdoc/>
    public string Description
    {
        get
        {
            (_, string output, string error) = Command.Try("fuse2fs", "-V");
            return (output + error).ReplaceLineEndings(" ").Trim();
        }
    }

    /// <inheritdoc/>
    public IMountedSystem Mount(string image, string mountPoint, bool isWritable)
    {
        string[] arguments = [image, mountPoint, "-f", "-o", isWritable ? "rw" : "ro"];
        return new ServerMount(ServerProcess.Start("fuse2fs", arguments, mountPoint), mountPoint, below: null);
    }
}
