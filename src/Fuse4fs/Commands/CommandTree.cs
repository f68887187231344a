using System.CommandLine;
using System.CommandLine.Help;
using Fuse4fs.Inspecting;
using Fuse4fs.Options;

namespace Fuse4fs.Commands;

/// <summary>The command line: mounting is the root command, everything else a subcommand.</summary>
internal static class CommandTree
{
    public static int Run(string[] arguments)
    {
        ParseResult result = Build().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0 && result.Action is not HelpAction)
        {
            return ExitCodes.Report($"{result.Errors[0].Message.TrimEnd('.', '\n')} (fuse4fs -h shows the usage)",
                ExitCodes.Usage);
        }
        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    private static RootCommand Build()
    {
        var root = new RootCommand("Mounts an ext2, ext3 or ext4 image or device without the kernel's driver.");
        foreach (Option option in root.Options)
        {
            if (option is VersionOption)
            {
                option.Aliases.Add("-V");
            }
        }
        MountCommand.AddTo(root);
        root.Subcommands.Add(UnmountCommand.Create());
        foreach (Command command in ControlCommand.CreateAll())
        {
            root.Subcommands.Add(command);
        }
        foreach (Command command in InspectingCommands.CreateAll())
        {
            root.Subcommands.Add(command);
        }
        return root;
    }
}
