using System.Globalization;

namespace Fuse4fs.Testing;

/// <summary>A directory of its own, named after this process so that leftovers of dead processes can be told apart;
/// removed with everything mounted or looped below it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    /// <summary>Names start so; the process id follows.</summary>
    public const string Prefix = "fuse4fs-test.";

    private static int s_count;
    private int _disposed;

    static TemporaryDirectory()
    {
        Leftovers.SweepDeadProcesses();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Leftovers.SweepProcess(Environment.ProcessId);
    }

    /// <summary>Creates the directory.</summary>
    public TemporaryDirectory()
    {
        int number = Interlocked.Increment(ref s_count);
        string name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}.{number}");
        Path = System.IO.Path.Combine(Root, name);
        Directory.CreateDirectory(Path);
    }

    /// <summary>Where all of them are: FUSE4FS_TEST_DIR, or the system's temporary directory.</summary>
    public static string Root { get; } =
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_DIR") ?? System.IO.Path.GetTempPath().TrimEnd('/');

    /// <summary>The directory's absolute name.</summary>
    public string Path { get; }

    /// <summary>The name of something inside.</summary>
    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Creates a directory inside, for a mount point for example.</summary>
    public string CreateSubdirectory(string name) => Directory.CreateDirectory(Combine(name)).FullName;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Leftovers.Remove(Path);
        }
    }
}
