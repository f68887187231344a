using System.Text.RegularExpressions;
using Xunit;

namespace Fuse4fs.Tidy.Tests;

/// <summary>Words that mean that something is not done, or is hidden.</summary>
public sealed partial class WordTests
{
    [Fact]
    public void Nothing_is_left_for_later() => Report(SourceTree.Files, Unfinished());

    [Fact]
    public void No_error_is_swallowed() => Report(SourceTree.Below("src"), SwallowedError());

    [Fact]
    public void Nothing_needs_reflection_or_dynamic_code() => Report(SourceTree.Below("src"), DynamicCode());

    [Fact]
    public void No_warning_is_switched_off_in_the_sources() => Report(SourceTree.Below("src"), Suppression());

    [Fact]
    public void Types_are_named_after_what_they_are() =>
        Report(SourceTree.Files.Where(file => VagueName().IsMatch(file.Path)).Select(file => file.Path));

    private static void Report(IEnumerable<SourceFile> files, Regex forbidden) =>
        Report(files.Where(file => !file.Path.EndsWith("WordTests.cs", StringComparison.Ordinal))
            .SelectMany(file => forbidden.Matches(file.Text).Select(
                match => $"{file.Path}:{file.Text.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value.Trim()}")));

    private static void Report(IEnumerable<string> complaints)
    {
        string[] all = [.. complaints];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK|NotImplementedException)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"catch(\s*\([^)]*\))?\s*\{\s*\}")]
    private static partial Regex SwallowedError();

    [GeneratedRegex(@"using System\.Reflection(\.Emit)?;|\bdynamic \w|Activator\.CreateInstance")]
    private static partial Regex DynamicCode();

    [GeneratedRegex(@"#pragma warning disable|SuppressMessage")]
    private static partial Regex Suppression();

    [GeneratedRegex(@"/\w*(Utils?|Utilit(y|ies)|Common|Helpers|Manager)(\.\w+)*\.cs$")]
    private static partial Regex VagueName();
}
