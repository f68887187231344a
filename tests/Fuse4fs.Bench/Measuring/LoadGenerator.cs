namespace Fuse4fs.Bench.Measuring;

/// <summary>The C program that makes every system do the same work: scripts/bench.d, compiled at run time.</summary>
internal sealed class LoadGenerator(string program)
{
    /// <summary>Compiles the sources into <paramref name="directory"/>.</summary>
    public static LoadGenerator Compile(string sourceDirectory, string directory)
    {
        string program = Path.Combine(directory, "load");
        string[] sources = Directory.GetFiles(sourceDirectory, "*.c");
        Command.Run("gcc", ["-std=gnu11", "-O2", "-Wall", "-o", program, .. sources, "-lpthread"]);
        return new LoadGenerator(program);
    }

    /// <summary>Runs one load in a process of its own.</summary>
    public LoadResult Run(params string[] arguments) => LoadResult.Parse(Command.Run(program, arguments));
}
