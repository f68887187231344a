using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Fuse4fs.Inspecting;
using Fuse4fs.Options;

namespace Fuse4fs.Commands;

/// <summary>The command line: mounting is the root command, everything else a subcommand.</summary>
internal static class CommandTree
{
    public static int Run(string[] arguments)
    {
        ParseResult result = Build(arguments).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        string? mistake = result.Action is HelpAction ? null
            : UnknownOption(result, arguments) ?? MissingArgument(result)
            ?? (result.Errors.Count > 0 ? result.Errors[0].Message.TrimEnd('.', '\n') : null);
        if (mistake is not null)
        {
            return ExitCodes.Report($"{mistake} (fuse4fs -h shows the usage)", ExitCodes.Usage);
        }
        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    /// <summary>An option that nobody knows was taken for an image or a path. What begins with '-' and is none can be
    /// given behind "--".</summary>
    private static string? UnknownOption(ParseResult result, string[] arguments)
    {
        IEnumerable<string> taken = result.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens).Select(token => token.Value);
        string? option = arguments.Contains("--") || result.Errors.Count == 0 && result.CommandResult.Parent is not null
            ? null
            : taken.Concat(result.UnmatchedTokens).FirstOrDefault(value => value.Length > 1 && value[0] == '-');
        return option is null ? null : $"unknown option '{option}'";
    }

    private static string? MissingArgument(ParseResult result)
    {
        Argument? missing = result.CommandResult.Command.Arguments.FirstOrDefault(argument =>
            argument.Arity.MinimumNumberOfValues > 0 && (result.GetResult(argument)?.Tokens.Count ?? 0) == 0);
        return missing is null || result.Errors.Count == 0 ? null : $"no {missing.Name} is given";
    }

    /// <summary>Who asks for another command is not told, in its help, of what mounting takes.</summary>
    private static RootCommand Build(string[] arguments)
    {
        var root = new RootCommand("Mounts an ext2, ext3 or ext4 image or device without the kernel's driver.");
        foreach (Option option in root.Options)
        {
            if (option is VersionOption)
            {
                option.Aliases.Add("-V");
            }
        }
        root.Subcommands.Add(UnmountCommand.Create());
        foreach (Command command in ControlCommand.CreateAll())
        {
            root.Subcommands.Add(command);
        }
        root.Subcommands.Add(StripeCommand.Create());
        foreach (Command command in InspectingCommands.CreateAll())
        {
            root.Subcommands.Add(command);
        }
        if (arguments.Length == 0 || root.Subcommands.All(command => command.Name != arguments[0]))
        {
            MountCommand.AddTo(root);
        }
        return root;
    }
}
