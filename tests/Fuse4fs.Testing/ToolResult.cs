namespace Fuse4fs.Testing;

/// <summary>How a program ended and what it said.</summary>
public sealed record ToolResult(int ExitCode, string Output, string Errors)
{
    /// <summary>For messages of failing tests.</summary>
    public override string ToString() => $"exit code {ExitCode}\n{Output}{Errors}";
}
