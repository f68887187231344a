using System.Globalization;
using System.Runtime.InteropServices;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Server.Sources;
using Serilog;

namespace Fuse4fs.Daemon;

/// <summary>The process that serves a mount, in the foreground or started by <see cref="DaemonLauncher"/>.</summary>
internal static class ServerProcess
{
    private const int StandardError = 2;

    /// <summary>Mounts, says so on standard output's log, serves until unmounted or told to stop.</summary>
    public static int RunForeground(MountRequest request, OptionParser parsed)
    {
        ILogger log = LoggingSetup.Create(request, parsed, toConsole: true);
        using var closing = log as IDisposable;
        using MountedVolume mounted = MountedVolume.Start(parsed.Options, log);
        Announce(mounted, isQuiet: false);
        return Serve(mounted, mounted.Seal);
    }

    /// <summary>The same for a process nobody watches: what there is to say, and then the result, go through standard
    /// error, which leads to <see cref="DaemonLauncher"/> and is let go once the mount is ready.</summary>
    public static int RunDetached(string[] arguments)
    {
        try
        {
            MountRequest request = ServerArguments.Read(arguments);
            OptionParser parsed = OptionParser.Parse(request);
            ILogger log = LoggingSetup.Create(request, parsed, toConsole: false);
            using var closing = log as IDisposable;
            ProtectFromOutOfMemory(parsed.Options.OutOfMemoryScore);
            using MountedVolume mounted = MountedVolume.Start(parsed.Options, log);
            if (DescriptorPath.Number(request.Source) is int number)
            {
                // The image is open by a descriptor of ours; the one we were started with would keep the caller's.
                new FileDescriptor(number).Dispose();
            }
            Announce(mounted, request.Quiet);
            return Serve(mounted, () => Detach(mounted));
        }
        catch (Exception failure) when (failure is UsageException or MountRefusedException)
        {
            int code = ExitCodes.Report(failure.Message,
                failure is UsageException ? ExitCodes.Usage : ExitCodes.MountFailed);
            using var starter = new FileDescriptor(StandardError, ownsHandle: false);
            Tell(starter, code);
            return code;
        }
    }

    /// <summary>Who mounts by mount(8) hears what mount(8) itself would say: that a device is write-protected.</summary>
    private static void Announce(MountedVolume mounted, bool isQuiet)
    {
        if ((mounted.Notice ?? (isQuiet ? null : mounted.Warning)) is { } line)
        {
            ExitCodes.Report(line, ExitCodes.Success);
        }
    }

    /// <summary>Serves until unmounted or told to stop by a signal.</summary>
    /// <param name="mounted">Ready.</param>
    /// <param name="settle">Called when everything is prepared for the time of serving.</param>
    public static int Serve(MountedVolume mounted, Action settle)
    {
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            mounted.RequestStop();
        }

        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        settle();
        return mounted.WaitUntilStopped() ? ExitCodes.Success : ExitCodes.MountFailed;
    }

    /// <summary>Keeps no folder busy by our working directory, no descriptor of anybody's by our standard error, and
    /// then says that the mount is ready. Only now into a session of our own: while an automount is being made only its
    /// daemon's process group gets at the mount point, everybody else waits for it (Kernel: autofs_d_manage). When the
    /// one who started us is gone nobody wants the mount.</summary>
    private static void Detach(MountedVolume mounted)
    {
        const int duplicateCloseOnExec = 1030;
        LibC.LeaveSession();
        _ = LibC.ChangeDirectory("/");
        using FileDescriptor nowhere = LibC.Open("/dev/null", OpenFlags.WriteOnly | OpenFlags.CloseOnExec, 0);
        // Refusals still go to standard error.
        mounted.Seal();
        using var starter = new FileDescriptor(LibC.FileControl(StandardError, duplicateCloseOnExec, StandardError + 1));
        _ = LibC.DuplicateTo(nowhere.Number, StandardError);
        if (!Tell(starter, ExitCodes.Success))
        {
            mounted.RequestStop();
        }
    }

    private static unsafe bool Tell(FileDescriptor starter, int code)
    {
        byte* answer = stackalloc byte[2] { 0, (byte)code };
        return LibC.Write(starter, answer, 2) == 2;
    }

    /// <summary>A server that dies takes the mount's dirty pages with it. Lowering the score needs a privilege.</summary>
    private static void ProtectFromOutOfMemory(int score)
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", score.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Not permitted: the score stays what it was.
        }
    }
}
