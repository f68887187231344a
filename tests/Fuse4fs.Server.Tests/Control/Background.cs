using System.Diagnostics;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>A program that runs while the test goes on. Not a thread of the test: while a mount is frozen a child of this process
/// would wait at its start for the test's own files.</summary>
internal sealed class Background : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _output;

    public Background(string program, params string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        _output = _process.StandardOutput.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    /// <summary>A signal, by number.</summary>
    public void Signal(string signal) => Tool.Run("kill", signal, $"{Id}");

    /// <summary>Waits for its end.</summary>
    public ToolResult Finish()
    {
        Assert.True(_process.WaitForExit(s_patience), $"{_process.StartInfo.FileName} does not end");
        return new ToolResult(_process.ExitCode, _output.Result, "");
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Signal("-KILL");
            _process.WaitForExit(s_patience);
        }
        _process.Dispose();
    }
}
