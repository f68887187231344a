using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests;

/// <summary>The command itself, as built beside these tests.</summary>
internal static class Command
{
    /// <summary>Its file.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "fuse4fs");

    /// <summary>Runs it to its end.</summary>
    public static ToolResult Run(params string[] arguments) => Tool.Run(Path, arguments);

    /// <summary>Runs it through bash, with the variable FUSE4FS set to its path.</summary>
    public static ToolResult RunScript(string script) =>
        Tool.Run("bash", "-euo", "pipefail", "-c", $"FUSE4FS='{Path}'\n{script}");
}
