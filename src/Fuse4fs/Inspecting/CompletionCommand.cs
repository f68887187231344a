using System.CommandLine;
using System.Text;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting;

/// <summary>fuse4fs completion bash|zsh|fish: prints a script that completes commands and options by asking this
/// program.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # source <(fuse4fs completion bash)
        _fuse4fs() {
            local word=${COMP_WORDS[COMP_CWORD]} IFS=$'\n'
            COMPREPLY=($(compgen -W "$(fuse4fs "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word"))
        }
        complete -o default -o bashdefault -F _fuse4fs fuse4fs
        """;

    private const string Zsh = """
        #compdef fuse4fs
        # source <(fuse4fs completion zsh)
        _fuse4fs() {
            local -a found
            found=("${(@f)$(fuse4fs "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            compadd -- $found
            _files
        }
        if [ "${funcstack[1]}" = _fuse4fs ]; then _fuse4fs "$@"; else compdef _fuse4fs fuse4fs; fi
        """;

    private const string Fish = """
        # fuse4fs completion fish | source
        complete -c fuse4fs -a '(fuse4fs "[suggest:"(string length -- (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
        """;

    public static Command Create()
    {
        var command = new Command("completion", "Prints a completion script for a shell.");
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        command.Arguments.Add(shell);
        command.SetAction(parsed => InspectingCommands.Run(() =>
        {
            string script = parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish };
            using Stream output = RawOutput.OpenStandard();
            output.Write(Encoding.ASCII.GetBytes(script + "\n"));
            return 0;
        }));
        return command;
    }
}
