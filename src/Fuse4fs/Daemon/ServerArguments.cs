using Fuse4fs.Options;

namespace Fuse4fs.Daemon;

/// <summary>The command line of a server process, written and read only by ourselves: nothing to interpret, so the
/// server starts without the command-line library. It stays readable in a process listing.</summary>
internal static class ServerArguments
{
    private const string Mark = "--serve";
    private const string Level = "--log-level=";
    private const string File = "--log-file=";

    public static bool IsServer(string[] arguments) =>
        arguments.Length > 0 && arguments[0] == Mark;

    /// <summary>The arguments behind the program's name.</summary>
    public static List<string> Write(MountRequest request)
    {
        List<string> arguments = [Mark];
        if (request.LogLevel is not null)
        {
            arguments.Add(Level + request.LogLevel);
        }
        if (request.LogFile is not null)
        {
            arguments.Add(File + request.LogFile);
        }
        if (request.SingleThread)
        {
            arguments.Add("-s");
        }
        if (request.Quiet)
        {
            arguments.Add("-q");
        }
        if (request.Words.Count > 0)
        {
            arguments.Add("-o");
            arguments.Add(OptionWords.Join(request.Words));
        }
        arguments.Add(request.Source);
        arguments.Add(request.MountPoint);
        return arguments;
    }

    /// <exception cref="UsageException">Not written by <see cref="Write"/>.</exception>
    public static MountRequest Read(string[] arguments)
    {
        if (arguments.Length < 3)
        {
            throw new UsageException("--serve is for the server's own use");
        }
        var request = new MountRequest { Source = arguments[^2], MountPoint = arguments[^1] };
        for (int i = 1; i < arguments.Length - 2; i++)
        {
            string argument = arguments[i];
            request = argument switch
            {
                "-s" => request with { SingleThread = true },
                "-q" => request with { Quiet = true },
                "-o" when i + 1 < arguments.Length - 2 => request with { Words = [.. OptionWords.Split(arguments[++i])] },
                _ when argument.StartsWith(Level, StringComparison.Ordinal) =>
                    request with { LogLevel = argument[Level.Length..] },
                _ when argument.StartsWith(File, StringComparison.Ordinal) =>
                    request with { LogFile = argument[File.Length..] },
                _ => throw new UsageException("--serve is for the server's own use"),
            };
        }
        return request;
    }
}
