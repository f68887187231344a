using System.Globalization;
using Fuse4fs.Options;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Fuse4fs;

/// <summary>Where log lines go: to the console in the foreground, to --log-file (or FUSE4FS_LOGFILE), to the kernel's
/// log with the option kernel. Without any of these nothing is logged and the logging library's sinks are not loaded.
/// </summary>
internal static class LoggingSetup
{
    private const string Template = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";
    private const string KernelTemplate = "fuse4fs: {Message:lj}{NewLine}";
    private const string KernelTerminal = "/dev/ttyprintk";

    /// <summary>Checks a level's name.</summary>
    /// <exception cref="UsageException">Not one of Serilog's levels.</exception>
    public static LogEventLevel? ParseLevel(string? name) => name?.ToLowerInvariant() switch
    {
        null => null,
        "verbose" or "trace" => LogEventLevel.Verbose,
        "debug" => LogEventLevel.Debug,
        "information" or "info" => LogEventLevel.Information,
        "warning" => LogEventLevel.Warning,
        "error" => LogEventLevel.Error,
        "fatal" => LogEventLevel.Fatal,
        _ => throw new UsageException($"log level '{name}': verbose, debug, info, warning, error or fatal is expected"),
    };

    public static ILogger Create(MountRequest request, OptionParser parsed, bool toConsole)
    {
        LogEventLevel level = ParseLevel(request.LogLevel)
            ?? (request.Debug || parsed.IsDebug ? LogEventLevel.Verbose
                : parsed.IsVerbose ? LogEventLevel.Debug
                : LogEventLevel.Information);
        string? file = request.LogFile ?? Environment.GetEnvironmentVariable("FUSE4FS_LOGFILE");
        bool toKernel = parsed.Options.LikeKernel && file is null && !toConsole && File.Exists(KernelTerminal);
        if (!toConsole && string.IsNullOrEmpty(file) && !toKernel)
        {
            return Logger.None;
        }
        LoggerConfiguration configuration = new LoggerConfiguration().MinimumLevel.Is(level);
        if (toConsole)
        {
            configuration = configuration.WriteTo.Console(outputTemplate: Template,
                formatProvider: CultureInfo.InvariantCulture, standardErrorFromLevel: LogEventLevel.Verbose);
        }
        if (!string.IsNullOrEmpty(file))
        {
            configuration = configuration.WriteTo.File(file, outputTemplate: Template,
                formatProvider: CultureInfo.InvariantCulture, rollOnFileSizeLimit: false, fileSizeLimitBytes: null);
        }
        else if (toKernel)
        {
            configuration = configuration.WriteTo.File(KernelTerminal, outputTemplate: KernelTemplate,
                formatProvider: CultureInfo.InvariantCulture, fileSizeLimitBytes: null);
        }
        return configuration.CreateLogger();
    }
}
