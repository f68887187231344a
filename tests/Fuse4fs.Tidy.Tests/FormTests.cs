using System.Text.RegularExpressions;
using Xunit;

namespace Fuse4fs.Tidy.Tests;

/// <summary>The form of source files. The limits here are where judgement ends; the aim is 400 lines, 60 lines, 120
/// columns.</summary>
public sealed partial class FormTests
{
    private const int MostLines = 600;
    private const int MostColumns = 140;
    private const int MostFunctionLines = 100;

    [Fact]
    public void Files_are_short() =>
        Report(SourceTree.Files.Where(file => file.Lines.Length > MostLines + 1)
            .Select(file => $"{file.Path}: {file.Lines.Length - 1} lines"));

    [Fact]
    public void Lines_are_short() =>
        Report(SourceTree.Files.SelectMany(file => file.Where(line => line.Length > MostColumns, "too long")));

    [Fact]
    public void Files_are_plain_ascii() =>
        Report(SourceTree.Files.SelectMany(file => file.Where(
            line => line.Any(letter => letter is > '~' or < ' '), "not printable ASCII (tabs and line ends included)")));

    [Fact]
    public void Lines_end_where_their_text_ends()
    {
        Report(SourceTree.Files.SelectMany(file => file.Where(line => line.EndsWith(' '), "trailing blank")));
        Report(SourceTree.Files.Where(file => !file.Text.EndsWith('\n') || file.Text.EndsWith("\n\n", StringComparison.Ordinal))
            .Select(file => $"{file.Path}: does not end with exactly one line end"));
    }

    /// <summary>A member of a type of the file's namespace: from its opening brace at four blanks to the closing one.
    /// </summary>
    [Fact]
    public void Functions_are_short()
    {
        var complaints = new List<string>();
        foreach (SourceFile file in SourceTree.Files)
        {
            int start = -1;
            for (int index = 0; index < file.Lines.Length; index++)
            {
                if (file.Lines[index] == "    {")
                {
                    start = index;
                }
                else if (file.Lines[index].StartsWith("    }", StringComparison.Ordinal) && start >= 0)
                {
                    bool isType = TypeHead().IsMatch(file.Lines[start - 1]);
                    if (!isType && index - start > MostFunctionLines)
                    {
                        complaints.Add($"{file.Path}:{start}: {index - start} lines");
                    }
                    start = -1;
                }
            }
        }
        Report(complaints);
    }

    /// <summary>But for the wire's structs: those of one family of requests are read together.</summary>
    [Fact]
    public void A_file_holds_one_type()
    {
        Report(SourceTree.Files.Where(file => !file.Path.StartsWith("src/Fuse4fs.Fuse/Wire/", StringComparison.Ordinal))
            .Where(file => file.Lines.Count(line => TopLevelType().IsMatch(line)) > 1)
            .Select(file => $"{file.Path}: more than one type"));
    }

    [Fact]
    public void A_namespace_is_its_folder()
    {
        Report(SourceTree.Files.Where(file => !file.Path.EndsWith("AssemblyInfo.cs", StringComparison.Ordinal))
            .Where(file => !file.Lines.Contains($"namespace {NamespaceOf(file)};"))
            .Select(file => $"{file.Path}: expected namespace {NamespaceOf(file)}"));
    }

    private static string NamespaceOf(SourceFile file)
    {
        string[] parts = file.Path.Split('/');
        return string.Join('.', parts[1..^1]);
    }

    private static void Report(IEnumerable<string> complaints)
    {
        string[] all = [.. complaints];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    [GeneratedRegex(@"^((public|internal|file|abstract|sealed|static|readonly|ref|unsafe|partial) )*"
        + @"(class|struct|enum|interface|record( struct| class)?) \w")]
    private static partial Regex TopLevelType();

    [GeneratedRegex(@"^    .*\b(class|struct|enum|interface|record) ")]
    private static partial Regex TypeHead();
}
