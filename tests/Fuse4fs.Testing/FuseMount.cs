using System.Diagnostics;
using System.Text;
using Fuse4fs.Testing.Images;

namespace Fuse4fs.Testing;

/// <summary>An image mounted by our command, as a user would; the server is a child process of the test.</summary>
public sealed class FuseMount : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryDirectory _directory = new();
    private readonly StringBuilder _output = new();
    private readonly Process _server;

    /// <summary>Mounts, and returns when the tree can be used.</summary>
    /// <param name="image">Image or device.</param>
    /// <param name="options">What follows -o.</param>
    /// <exception cref="OracleException">The server ended or nothing was mounted; with what it said.</exception>
    public FuseMount(string image, string options = "ro")
    {
        MountPoint = _directory.CreateSubdirectory("mnt");
        var start = new ProcessStartInfo(Command)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (string argument in (string[])["-f", "-o", options, image, MountPoint])
        {
            start.ArgumentList.Add(argument);
        }
        _server = new Process { StartInfo = start };
        _server.OutputDataReceived += (_, line) => Remember(line.Data);
        _server.ErrorDataReceived += (_, line) => Remember(line.Data);
        _server.Start();
        _server.BeginOutputReadLine();
        _server.BeginErrorReadLine();
        try
        {
            WaitUntilMounted();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The command under test: FUSE4FS_COMMAND, or the one built with this test's configuration.</summary>
    public static string Command { get; } = Environment.GetEnvironmentVariable("FUSE4FS_COMMAND") ?? FindCommand();

    /// <summary>Where the tree is.</summary>
    public string MountPoint { get; }

    /// <summary>The server's process id.</summary>
    public int ProcessId => _server.Id;

    /// <summary>What the server has said so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Whether the server is running.</summary>
    public bool IsAlive => !_server.HasExited;

    /// <summary>The name of something inside.</summary>
    public string Combine(string name) => Path.Combine(MountPoint, name);

    /// <summary>Unmounts as a user would: "fuse4fs umount"; the server must end with success.</summary>
    public void Unmount()
    {
        Tool.Check(Command, "umount", MountPoint);
        if (!_server.WaitForExit(Patience))
        {
            throw new OracleException($"the server did not end after the unmount:\n{Output}");
        }
        _server.WaitForExit();
        if (_server.ExitCode != 0)
        {
            throw new OracleException($"the server ended with {_server.ExitCode}:\n{Output}");
        }
    }

    /// <summary>kill -9; then takes the dead mount away.</summary>
    public void Kill()
    {
        KillServer();
        TakeAway();
    }

    /// <summary>kill -9. The dead mount stays where it is: programs at work in it get errors, and none finds the
    /// directory below it instead.</summary>
    public void KillServer()
    {
        _server.Kill();
        _server.WaitForExit();
    }

    /// <summary>Takes a dead mount away.</summary>
    public void TakeAway() => Tool.Run("umount", "--lazy", MountPoint);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_server.HasExited)
        {
            Tool.Run("umount", MountPoint);
            if (!_server.WaitForExit(TimeSpan.FromSeconds(20)))
            {
                _server.Kill();
                _server.WaitForExit();
            }
        }
        Tool.Run("umount", "--lazy", MountPoint);
        _server.Dispose();
        _directory.Dispose();
    }

    private static string FindCommand()
    {
        string configuration = AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
        return Path.Combine(RecipeBook.RepositoryRoot, "src/Fuse4fs/bin", configuration, "net10.0/fuse4fs");
    }

    private void WaitUntilMounted()
    {
        var watch = Stopwatch.StartNew();
        while (!IsMounted())
        {
            if (_server.WaitForExit(TimeSpan.FromMilliseconds(10)) || watch.Elapsed > Patience)
            {
                _server.WaitForExit(TimeSpan.FromSeconds(1));
                throw new OracleException($"{Command} mounted nothing:\n{Output}");
            }
        }
    }

    private bool IsMounted() => File.ReadLines("/proc/self/mountinfo").Any(line => line.Split(' ')[4] == MountPoint);

    private void Remember(string? line)
    {
        lock (_output)
        {
            _output.Append(line).Append('\n');
        }
    }
}
