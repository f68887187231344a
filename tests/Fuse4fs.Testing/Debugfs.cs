namespace Fuse4fs.Testing;

/// <summary>debugfs: looks into images and changes them without a mount.</summary>
public static class Debugfs
{
    /// <summary>Runs read-only requests.</summary>
    /// <returns>What they printed.</returns>
    public static string Read(string image, params string[] requests) => Execute(image, requests, []);

    /// <summary>Runs requests that may write.</summary>
    public static string Write(string image, params string[] requests) => Execute(image, requests, ["-w"]);

    /// <summary>debugfs reports failures on the error stream and exits with 0: any word there is a failure.</summary>
    private static string Execute(string image, string[] requests, string[] options)
    {
        ArgumentNullException.ThrowIfNull(requests);
        string script = string.Join('\n', requests) + "\n";
        ToolResult result = Tool.RunWithInput("debugfs", script, [.. options, "-f", "-", image]);
        string[] complaints =
        [
            .. result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => !line.StartsWith("debugfs ", StringComparison.Ordinal)),
        ];
        if (result.ExitCode != 0 || complaints.Length > 0)
        {
            throw new OracleException($"debugfs {image} ({string.Join("; ", requests)}): {result}");
        }
        return result.Output;
    }
}
