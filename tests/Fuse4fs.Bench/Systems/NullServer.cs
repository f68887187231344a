using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>The protocol library's null server: an in-memory tree without storage. What it costs, no server of ours can
/// undercut on this kernel.</summary>
internal sealed class NullServer(string program) : IBenchSystem
{
    /// <inheritdoc/>
    public string Name => "null";

    /// <inheritdoc/>
    public string Description => "null server: an in-memory tree on this project's protocol library";

    /// <inheritdoc/>
    public IMountedSystem Mount(string image, string mountPoint, bool isWritable) =>
        new ServerMount(ServerProcess.Start(program, ["null", mountPoint], mountPoint), mountPoint, below: null);
}
