using System.CommandLine;
using System.CommandLine.Completions;
using Fuse4fs.Daemon;
using Fuse4fs.Options;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs [options] IMAGE MOUNTPOINT.</summary>
internal static class MountCommand
{
    public static void AddTo(RootCommand root)
    {
        var source = new Argument<string>("IMAGE") { Description = "image file or block device" };
        var mountPoint = new Argument<string>("MOUNTPOINT") { Description = "existing directory" };
        var words = new Option<string[]>("-o")
        {
            Description = "mount options, separated by commas: ro, offset=N, allow_other, noload, ...",
            HelpName = "OPTIONS",
            AllowMultipleArgumentsPerToken = false,
            DefaultValueFactory = static _ => [],
        };
        words.CompletionSources.Add(static context => MountWords.Complete(context.WordToComplete)
            .Select(static word => new CompletionItem(word)));
        var foreground = new Option<bool>("-f", "--foreground") { Description = "stay in the foreground" };
        var debug = new Option<bool>("-d", "--debug") { Description = "log every request; implies -f" };
        var single = new Option<bool>("-s") { Description = "serve with a single thread" };
        var level = new Option<string?>("--log-level") { Description = "verbose, debug, info, warning, error, fatal" };
        var file = new Option<string?>("--log-file") { Description = "append log lines to this file" };
        // Taken out of the command line before it gets here; named for those who ask for help.
        var stripe = new Option<string?>("--stripe")
        {
            Description = "the volume is spread over several images in strips of this length: --stripe 64K A B ... MOUNTPOINT",
        };
        root.Options.Add(stripe);
        var metrics = new Option<string?>("--metrics") { Description = "keep this file full of figures for Prometheus" };
        var sandbox = new Option<string?>("--sandbox") { Description = "what the server gives up when it serves: default, strict, off" };
        sandbox.CompletionSources.Add("default", "strict", "off");
        root.Arguments.Add(source);
        root.Arguments.Add(mountPoint);
        foreach (Option option in (ReadOnlySpan<Option>)[words, foreground, debug, single, level, file, metrics, sandbox])
        {
            root.Options.Add(option);
        }
        root.SetAction(result =>
        {
            var request = new MountRequest
            {
                Source = result.GetRequiredValue(source),
                MountPoint = result.GetRequiredValue(mountPoint),
                Words = [.. result.GetValue(words)!.SelectMany(OptionWords.Split), .. Word("metrics", result.GetValue(metrics)),
                    .. Word("sandbox", result.GetValue(sandbox))],
                Foreground = result.GetValue(foreground),
                Debug = result.GetValue(debug),
                SingleThread = result.GetValue(single),
                LogLevel = result.GetValue(level),
                LogFile = result.GetValue(file),
            };
            return Run(request, OptionParser.Parse(request));
        });
    }

    /// <summary>An option that is a word of the -o list as well.</summary>
    private static string[] Word(string name, string? value) => value is null ? [] : [$"{name}={value}"];

    /// <summary>Mounts in the foreground or by a server of its own.</summary>
    public static int Run(MountRequest request, OptionParser parsed)
    {
        _ = LoggingSetup.ParseLevel(request.LogLevel);
        if (parsed.IsRemount)
        {
            return RemountCommand.Run(request, parsed.Options);
        }
        if (request.Foreground || request.Debug || parsed.IsDebug)
        {
            return ServerProcess.RunForeground(request, parsed);
        }
        int code = SharedMount.TryJoin(parsed.Options) ? ExitCodes.Success : DaemonLauncher.Launch(request);
        if (code == ExitCodes.Success)
        {
            UserTable.Add(Unmounter.PlaceOf(request.MountPoint));
        }
        return code;
    }
}
