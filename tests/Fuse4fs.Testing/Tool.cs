using System.Diagnostics;
using System.Text;

namespace Fuse4fs.Testing;

/// <summary>Runs the programs that make and judge images: mke2fs, e2fsck, debugfs, mount, losetup...</summary>
public static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program to its end, both streams collected, whatever its exit code.</summary>
    public static ToolResult Run(string program, params string[] arguments) => RunWithInput(program, null, arguments);

    /// <summary>As <see cref="Run"/>, with <paramref name="input"/> on the standard input.</summary>
    public static ToolResult RunWithInput(string program, string? input, params string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Names in images are bytes: this encoding loses none of them.
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
            UseShellExecute = false,
        };
        start.Environment["LC_ALL"] = "C";
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin";
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        return Finish(start, input);
    }

    /// <summary>Runs a program that must succeed.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="OracleException">It exited with another code than 0.</exception>
    public static string Check(string program, params string[] arguments)
    {
        ToolResult result = Run(program, arguments);
        if (result.ExitCode != 0)
        {
            throw new OracleException($"{program} {string.Join(' ', arguments)}: {result}");
        }
        return result.Output;
    }

    /// <summary>Runs a shell script that must succeed; its first failing command ends it.</summary>
    public static string Shell(string script) => Check("bash", "-euo", "pipefail", "-c", script);

    /// <summary>Whether a program can be found, also in the administrator's directories.</summary>
    public static bool Exists(string program)
    {
        string path = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin";
        return path.Split(':').Any(directory => File.Exists(System.IO.Path.Combine(directory, program)));
    }

    private static ToolResult Finish(ProcessStartInfo start, string? input)
    {
        using var process = new Process { StartInfo = start };
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) => Append(errors, line.Data);
        process.Start();
        process.BeginErrorReadLine();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (input is not null)
        {
            process.StandardInput.BaseStream.Write(Encoding.UTF8.GetBytes(input));
        }
        process.StandardInput.Close();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new OracleException($"{start.FileName} did not end within {Patience}");
        }
        process.WaitForExit();
        return new ToolResult(process.ExitCode, output.Result, errors.ToString());
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            text.Append(line).Append('\n');
        }
    }
}
