using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>This project's server.</summary>
internal sealed class OwnServer(string program, string extraOptions) : IBenchSystem
{
    /// <inheritdoc/>
    public string Name => "ours";

    /// <inheritdoc/>
    public string Description
    {
        get
        {
            string version = Command.Run(program, "-V").ReplaceLineEndings(" ").Trim();
            return extraOptions.Length == 0 ? version : $"{version}, -o {extraOptions}";
        }
    }

    /// <inheritdoc/>
    public IMountedSystem Mount(string image, string mountPoint, bool isWritable)
    {
        string options = (isWritable ? "rw" : "ro") + (extraOptions.Length == 0 ? "" : "," + extraOptions);
        string[] arguments = [image, mountPoint, "-f", "-o", options];
        return new ServerMount(ServerProcess.Start(program, arguments, mountPoint), mountPoint, below: null);
    }
}
