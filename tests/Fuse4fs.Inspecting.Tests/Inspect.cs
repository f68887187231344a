using System.Text;
using System.Text.Json;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>Runs the command that was built beside these tests.</summary>
internal static class Inspect
{
    /// <summary>Its file.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "fuse4fs");

    /// <summary>Runs it, whatever the result.</summary>
    public static ToolResult Run(params string[] arguments) => Tool.Run(Program, arguments);

    /// <summary>Runs it; it must succeed without a word on the error stream.</summary>
    public static string Check(params string[] arguments)
    {
        ToolResult result = Run(arguments);
        Assert.True(result is { ExitCode: 0, Errors: "" }, result.ToString());
        return result.Output;
    }

    /// <summary>Runs it and reads the JSON document it prints.</summary>
    public static JsonElement Json(params string[] arguments)
    {
        return Parse(Check([.. arguments, "--json"]));
    }

    /// <summary>Runs it and reads the JSON objects it prints, one per line.</summary>
    public static IReadOnlyList<JsonElement> JsonLines(params string[] arguments)
    {
        var objects = new List<JsonElement>();
        foreach (string line in Check([.. arguments, "--json"]).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            objects.Add(Parse(line));
        }
        return objects;
    }

    /// <param name="output">As tools give it: a character for each byte.</param>
    private static JsonElement Parse(string output)
    {
        using var document = JsonDocument.Parse(Encoding.Latin1.GetBytes(output));
        return document.RootElement.Clone();
    }
}
