using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting.Service;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Mounting;
using Serilog;

namespace Fuse4fs.Daemon;

/// <summary>The process that a socket unit starts for one mount: it takes the words of its own -o first, then the arguments
/// of the caller's helper, has the helper open the image, and serves in the foreground. Log lines go to standard
/// error, which the unit leads to where it likes.</summary>
internal static class ServiceProcess
{
    /// <summary>open(2)'s way to claim a block device; without meaning for files.</summary>
    private const OpenFlags Claimed = OpenFlags.Exclusive | OpenFlags.NonBlocking;

    public static int Run(string[] arguments)
    {
        try
        {
            using MountService service = MountService.Accept();
            return Run(service, arguments);
        }
        catch (FuseException failure)
        {
            return ExitCodes.Report(failure.Message, ExitCodes.MountFailed);
        }
    }

    private static int Run(MountService service, string[] arguments)
    {
        MountedVolume mounted;
        ILogger log;
        try
        {
            MountRequest request = Request(service, arguments);
            OptionParser parsed = OptionParser.Parse(request);
            log = LoggingSetup.Create(request, parsed, toConsole: true);
            ServeOptions options = parsed.Options with { Given = Collect(service, parsed.Options) };
            service.EndOpening();
            mounted = MountedVolume.Start(options, log);
        }
        catch (Exception failure) when (failure is UsageException or MountRefusedException or FuseException)
        {
            int code = ExitCodes.Report(failure.Message,
                failure is UsageException ? ExitCodes.Usage : ExitCodes.MountFailed);
            service.Finish(code);
            return code;
        }
        using var closing = log as IDisposable;
        using (mounted)
        {
            service.Finish(ExitCodes.Success);
            service.Dispose();
            _ = LibC.ChangeDirectory("/");
            return ServerProcess.Serve(mounted, mounted.Seal);
        }
    }

    /// <summary>Ours first, then the caller's, who wins.</summary>
    private static MountRequest Request(MountService service, string[] arguments)
    {
        if (service.Arguments.Count == 0)
        {
            throw new UsageException("the mount helper sent no arguments");
        }
        // The first of the caller's is the type, which the helper itself gives to the kernel.
        string[] callers = [.. service.Arguments.Skip(1)];
        List<string> asked = HelperArguments.Parse(callers).Words;
        RefuseOwnFiles(asked);
        if (asked.Any(static word => word.StartsWith("sandbox=", StringComparison.Ordinal) && word != "sandbox=strict"))
        {
            throw new UsageException("mount option 'sandbox': a caller of the service may ask for more, not for less");
        }
        HelperArguments all = HelperArguments.Parse([.. arguments, .. callers]);
        List<string> words = all.Words;
        if (!service.MayAllowOther && words.Remove("kernel"))
        {
            // What else the word implies is not this caller's to ask for.
            words.Insert(0, "acl");
        }
        return new MountRequest { Source = all.Source, MountPoint = all.MountPoint, Words = words };
    }

    /// <summary>Files that the service itself would open, make or remove, with its own rights.</summary>
    private static void RefuseOwnFiles(List<string> words)
    {
        foreach (string name in (ReadOnlySpan<string>)["metrics", "lockfile", "stripe_member"])
        {
            if (words.Any(word => word.StartsWith(name + "=", StringComparison.Ordinal)))
            {
                throw new UsageException($"mount option '{name}': the files of a mount service are not the caller's to name");
            }
        }
    }

    private static GivenFiles Collect(MountService service, ServeOptions options)
    {
        FileDescriptor image = Open(service, options, options.Source, out bool isReadOnly);
        FileDescriptor? journal = options.JournalPath is string path
            ? Open(service, options, path, out _)
            : null;
        return new GivenFiles(service, image, isReadOnly, journal);
    }

    private static FileDescriptor Open(MountService service, ServeOptions options, string path, out bool isReadOnly)
    {
        isReadOnly = options.ReadOnly;
        Errno error = service.Open(path, Claimed | (isReadOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite),
            out FileDescriptor? file);
        if (!isReadOnly && error is (Errno.NotPermitted or Errno.AccessDenied or Errno.ReadOnly))
        {
            isReadOnly = true;
            error = service.Open(path, Claimed | OpenFlags.ReadOnly, out file);
        }
        return error == Errno.Ok ? file! : throw new MountRefusedException(error switch
        {
            Errno.NoEntry => $"{path}: no such file",
            Errno.Busy => $"{path}: in use",
            Errno.AccessDenied or Errno.NotPermitted => $"{path}: the caller may not read it",
            _ => $"{path}: {error}",
        });
    }
}
