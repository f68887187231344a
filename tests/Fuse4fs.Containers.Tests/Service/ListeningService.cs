using System.Diagnostics;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Service;

/// <summary>What a socket unit does, by systemd's own tool for that: it listens, and starts our command for each connection.
/// </summary>
internal sealed class ListeningService : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Process _process;

    /// <param name="command">The program and its arguments; null for "fuse4fs -o kernel".</param>
    public ListeningService(params string[] command)
    {
        Path = _directory.Combine("socket");
        string[] program = command.Length > 0 ? command : [Command.Path, "-o", "kernel"];
        var start = new ProcessStartInfo("systemd-socket-activate")
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in (string[])["--seqpacket", "--accept", "--listen=" + Path, .. program])
        {
            start.ArgumentList.Add(argument);
        }
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginErrorReadLine();
        Assert.True(SpinWait.SpinUntil(() => File.Exists(Path), TimeSpan.FromSeconds(30)), "nobody listens");
    }

    /// <summary>Why it cannot be had here, or null.</summary>
    public static string? Missing => Host.NoRootFuse ?? Host.Without("systemd-socket-activate");

    public string Path { get; }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _directory.Dispose();
    }
}
