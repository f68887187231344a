using System.CommandLine;
using Fuse4fs.Inspecting.Images;
using Fuse4fs.Inspecting.Output;

namespace Fuse4fs.Inspecting;

/// <summary>The commands that use an image without mounting it. They need neither root nor /dev/fuse.</summary>
internal static class InspectingCommands
{
    /// <summary>Exit code of a command that failed or met damage.</summary>
    public const int Failed = 1;

    /// <summary>All of them, for the command line's root.</summary>
    public static IEnumerable<Command> CreateAll() =>
    [
        InfoCommand.Create(),
        ListCommand.Create(),
        CatCommand.Create(),
        StatCommand.Create(),
        ReadLinkCommand.Create(),
        FindCommand.Create(),
        MapCommand.Create(),
        ExportCommand.Create(),
        ProbeCommand.Create(),
        CompletionCommand.Create(),
    ];

    /// <summary>Runs what a command does with an opened image.</summary>
    public static int OnImage(ImageArguments arguments, ParseResult parsed, Action<OpenedImage> action) => Run(() =>
    {
        using OpenedImage image = arguments.Open(parsed);
        action(image);
        return image.Problems.ExitCode;
    });

    /// <summary>Turns what can go wrong into one line and an exit code.</summary>
    public static int Run(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (InspectionException failure)
        {
            return Report(failure.Message);
        }
        catch (Exception failure) when (Problems.IsOfImage(failure))
        {
            return Report(failure.Message);
        }
        catch (OutputClosedException)
        {
            return Failed;
        }
        catch (IOException failure)
        {
            return Report(failure.Message);
        }
    }

    private static int Report(string message)
    {
        Console.Error.WriteLine($"fuse4fs: {message}");
        return Failed;
    }
}
