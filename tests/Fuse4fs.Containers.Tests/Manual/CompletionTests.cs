using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Manual;

/// <summary>The completion scripts, in the shells they are for.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("fuse4fs um", "umount")]
    [InlineData("fuse4fs info --js", "--json")]
    [InlineData("fuse4fs -o ro,allow_o", "ro,allow_other")]
    [InlineData("fuse4fs -o noloa", "noload")]
    public void Bash_completes_commands_options_and_the_words_of_lists(string line, string expected)
    {
        ToolResult result = Command.RunScript($$"""
            PATH=$(dirname "$FUSE4FS"):$PATH
            source <(fuse4fs completion bash)
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}}
            read -r -a COMP_WORDS <<< "$COMP_LINE"
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _fuse4fs
            printf '%s\n' "${COMPREPLY[@]}"
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(expected, result.Output.Split('\n'));
    }

    [Theory]
    [InlineData("zsh", "-n")]
    [InlineData("fish", "--no-execute")]
    public void Other_shells_accept_their_script(string shell, string check)
    {
        Assert.SkipUnless(Host.Without(shell) is null, $"{shell} is not installed");
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.Combine("script"), Command.Run("completion", shell).Output);
        ToolResult result = Tool.Run(shell, check, directory.Combine("script"));
        Assert.True(result is { ExitCode: 0, Errors: "" }, result.ToString());
    }
}
