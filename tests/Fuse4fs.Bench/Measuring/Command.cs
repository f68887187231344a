using System.Diagnostics;

namespace Fuse4fs.Bench.Measuring;

/// <summary>Runs programs that prepare or take down; what is measured runs in the load generator.</summary>
internal static class Command
{
    /// <summary>Runs to the end and returns the standard output.</summary>
    /// <exception cref="BenchException">The program is missing or failed; carries its standard error.</exception>
    public static string Run(string program, params string[] arguments)
    {
        (int exitCode, string output, string error) = Try(program, arguments);
        return exitCode == 0
            ? output
            : throw new BenchException($"{program} {string.Join(' ', arguments)}: exit {exitCode}: {error.Trim()}");
    }

    /// <summary>Runs to the end, whatever the result.</summary>
    public static (int ExitCode, string Output, string Error) Try(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>Starts with both output streams redirected.</summary>
    public static Process Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        try
        {
            return Process.Start(start) ?? throw new BenchException($"{program} did not start");
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new BenchException($"{program}: {failure.Message}");
        }
    }
}
