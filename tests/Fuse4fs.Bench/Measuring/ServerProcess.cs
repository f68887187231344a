using System.Diagnostics;
using System.Globalization;

namespace Fuse4fs.Bench.Measuring;

/// <summary>A server in the foreground, and what it costs.</summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly Task<string> _output;

    private ServerProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
        _output = process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>Starts a server and returns when its mount is there and answers.</summary>
    public static ServerProcess Start(string program, IEnumerable<string> arguments, string mountPoint)
    {
        var server = new ServerProcess(Command.Start(program, arguments));
        long started = Stopwatch.GetTimestamp();
        while (!MountTable.Contains(mountPoint))
        {
            if (server._process.HasExited)
            {
                string message = server.Message();
                server.Dispose();
                throw new BenchException($"{program} ended before its mount was there: {message}");
            }
            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                server.Dispose();
                throw new BenchException($"{program}: no mount after {Patience}");
            }
            Thread.Sleep(1);
        }
        _ = Directory.GetLastWriteTimeUtc(mountPoint);
        return server;
    }

    /// <summary>User and system time used so far, all threads.</summary>
    public double CpuSeconds => ProcessClock.Seconds(_process.Id);

    /// <summary>Resident memory now, bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            foreach (string line in File.ReadLines($"/proc/{_process.Id}/status"))
            {
                if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                {
                    return long.Parse(line.AsSpan(6).Trim(" \tkB"), CultureInfo.InvariantCulture) * 1024;
                }
            }
            return 0;
        }
    }

    /// <summary>Waits for the server to end by itself after its mount is gone.</summary>
    public void WaitForEnd()
    {
        if (!_process.WaitForExit(Patience))
        {
            throw new BenchException($"process {_process.Id} is still there {Patience} after its mount went");
        }
    }

    /// <summary>Ends the server if it is still there.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
    }

    private string Message() => (_error.Result + _output.Result).Trim();
}
