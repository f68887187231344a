using System.Text.RegularExpressions;
using Fuse4fs.Options;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Manual;

/// <summary>The manual page says what the command knows, and nothing else.</summary>
public sealed partial class ManualPageTests
{
    private static readonly string s_path = Path.Combine(Repository.Root, "scripts/package.d/man/fuse4fs.1");
    private static readonly string s_page = File.ReadAllText(s_path);

    /// <summary>One of these makes any word acceptable that is one.</summary>
    private static readonly string[] s_values =
        ["", "=1", "=4096", "=x", "=continue", "=ordered", "=abort", "=auto", "=default", "=0:0:1"];

    [Fact]
    public void It_is_formatted_without_a_warning()
    {
        Assert.SkipUnless(Host.Without("man") is null, "man is not installed");
        ToolResult result = Tool.Run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", s_path);
        Assert.True(result is { ExitCode: 0, Errors: "" }, result.Errors);
    }

    [Fact]
    public void Every_command_and_option_is_in_it_and_no_other()
    {
        string help = Command.Run("--help").Output;
        string[] commands = CommandsIn(help);
        Assert.Contains("umount", commands);
        var options = new SortedSet<string>(StringComparer.Ordinal);
        string[] helps = [.. commands.Select(static command => Command.Run(command, "--help").Output)];
        IEnumerable<string> deeper = commands.Zip(helps).SelectMany(static one => CommandsIn(one.Second)
            .Select(command => Command.Run(one.First, command, "--help").Output));
        foreach (string text in helps.Concat(deeper).Append(help))
        {
            options.UnionWith(LongOption().Matches(text).Select(static match => match.Value));
        }
        string plain = s_page.Replace("\\-", "-", StringComparison.Ordinal);
        Assert.All(commands, command => Assert.Matches($@"(?m)^\.(B|BR)\b.*\b{command}\b", plain));
        Assert.Equal(options, new SortedSet<string>(
            LongOption().Matches(plain).Select(static match => match.Value), StringComparer.Ordinal));
    }

    [Fact]
    public void Every_mount_option_is_in_it_and_no_other()
    {
        HashSet<string> documented = [.. BoldWords(Section("MOUNT OPTIONS")).Select(NameOf)];
        Assert.All(KnownNames(), name => Assert.Contains(name, documented));
        Assert.All(documented, name => Assert.True(IsKnown(name), $"{name} is documented and not known"));
        Assert.All(MountWords.All, word => Assert.True(
            IsKnown(NameOf(word)) && documented.Contains(NameOf(word)), $"{word} is offered by completion"));
    }

    private static string[] CommandsIn(string help) => [.. help.Split("\nCommands:").Skip(1)
        .SelectMany(static list => CommandLine().Matches(list)).Select(static match => match.Groups[1].Value)];

    private static string NameOf(string word) => word.Split('=')[0];

    private static bool IsKnown(string name) => s_values.Any(value => IsAccepted(name + value));

    private static bool IsAccepted(string word)
    {
        try
        {
            OptionParser.Parse(new MountRequest { Source = "image", MountPoint = "mnt", Words = [word] });
            return true;
        }
        catch (UsageException)
        {
            return false;
        }
    }

    /// <summary>Whatever the parser's source has between quotes and the parser accepts.</summary>
    private static string[] KnownNames()
    {
        string[] sources = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src/Fuse4fs/Options"), "OptionParser*.cs"),
            Path.Combine(Repository.Root, "src/Fuse4fs.Fuse/Mounting/MountOptions.cs")];
        string[] names = [.. sources.SelectMany(source => Literal().Matches(File.ReadAllText(source)))
            .Select(static match => match.Groups[1].Value).Distinct().Where(IsKnown)];
        Assert.True(names.Length > 100, "the parser's words were not found in its source");
        return names;
    }

    private static string Section(string title)
    {
        int start = s_page.IndexOf($".SH {title}\n", StringComparison.Ordinal);
        return s_page[start..s_page.IndexOf("\n.SH ", start + 1, StringComparison.Ordinal)];
    }

    /// <summary>The words in bold, but for names of other pages: every argument of .B, every other one of .BR, .BI, .RB.
    /// </summary>
    private static IEnumerable<string> BoldWords(string text)
    {
        foreach (string line in text.Replace("\\-", "-", StringComparison.Ordinal).Split('\n'))
        {
            Match macro = BoldMacro().Match(line);
            if (!macro.Success)
            {
                continue;
            }
            string[] arguments = [.. Argument().Matches(macro.Groups[2].Value)
                .Select(static match => match.Groups[1].Success ? match.Groups[1].Value : match.Value)];
            int step = macro.Groups[1].Value == "B" ? 1 : 2;
            for (int i = macro.Groups[1].Value == "RB" ? 1 : 0; i < arguments.Length; i += step)
            {
                bool isPage = step == 2 && i + 1 < arguments.Length && arguments[i + 1].StartsWith('(');
                string word = FontChange().Replace(arguments[i], "").Trim();
                if (!isPage && WordStart().IsMatch(word))
                {
                    yield return word;
                }
            }
        }
    }

    [GeneratedRegex(@"(?m)^  ([a-z]+)\b")]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")]
    private static partial Regex LongOption();

    [GeneratedRegex("\"([a-z][a-z0-9_]*)\"")]
    private static partial Regex Literal();

    [GeneratedRegex(@"^\.(B|BR|BI|RB) (.*)$")]
    private static partial Regex BoldMacro();

    [GeneratedRegex("\"([^\"]*)\"|\\S+")]
    private static partial Regex Argument();

    /// <summary>An argument that changes the font by itself: the rest of it is not bold.</summary>
    [GeneratedRegex(@"\\fR.*$")]
    private static partial Regex FontChange();

    [GeneratedRegex("^[a-z_]")]
    private static partial Regex WordStart();
}
