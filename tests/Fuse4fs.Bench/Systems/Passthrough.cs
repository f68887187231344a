using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>libfuse's passthrough_ll over kernel ext4: what FUSE costs in C when the file system itself costs nothing.
/// It keeps one descriptor per known inode, so walks beyond the descriptor limit fail with EMFILE.</summary>
internal sealed class Passthrough : IBenchSystem
{
    private readonly string _program;

    /// <summary>Compiles libfuse's example, as Debian's libfuse3-dev ships it, outside the repository.</summary>
    public Passthrough(string workDirectory)
    {
        const string source = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c";
        if (!File.Exists(source))
        {
            throw new BenchException($"{source} is missing: install libfuse3-dev");
        }
        _program = Path.Combine(workDirectory, "passthrough_ll");
        string flags = Command.Run("pkg-config", "fuse3", "--cflags", "--libs").Trim();
        Command.Run("gcc", ["-O2", "-o", _program, source, .. flags.Split(' ')]);
    }

    /// <inheritdoc/>
    public string Name => "passthrough";

    /// <inheritdoc/>
    public string Description =>
        $"passthrough_ll of libfuse {Command.Run("pkg-config", "--modversion", "fuse3").Trim()}, cache=always,"
        + " timeout=86400, clone_fd, writeback, over kernel ext4 on a loop device";

    /// <inheritdoc/>
    public IMountedSystem Mount(string image, string mountPoint, bool isWritable)
    {
        string source = mountPoint + ".source";
        Directory.CreateDirectory(source);
        var below = new LoopMount(image, source, isWritable);
        try
        {
            string options = $"source={source},cache=always,timeout=86400,clone_fd,{(isWritable ? "writeback" : "ro")}";
            var server = ServerProcess.Start(_program, ["-f", "-o", options, mountPoint], mountPoint);
            return new ServerMount(server, mountPoint, below);
        }
        catch (BenchException)
        {
            below.Dispose();
            throw;
        }
    }
}
