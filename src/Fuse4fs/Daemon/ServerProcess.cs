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
        return Serve(mounted);
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
            if (!Detach())
            {
                mounted.RequestStop();
            }
            return Serve(mounted);
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
    public static int Serve(MountedVolume mounted)
    {
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            mounted.RequestStop();
        }

        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        return mounted.WaitUntilStopped() ? ExitCodes.Success : ExitCodes.MountFailed;
    }

    /// <summary>Keeps no folder busy by our working directory, no descriptor of anybody's by our standard error, and
    /// then says that the mount is ready. Only now into a session of our own: while an automount is being made only its
    /// daemon's process group gets at the mount point, everybody else waits for it (Kernel: autofs_d_manage).</summary>
    /// <returns>False when the one who started us is gone: then nobody wants the mount.</returns>
    private static bool Detach()
    {
        const int duplicateCloseOnExec = 1030;
        LibC.LeaveSession();
        _ = LibC.ChangeDirectory("/");
        using var starter = new FileDescriptor(LibC.FileControl(StandardError, duplicateCloseOnExec, StandardError + 1));
        using FileDescriptor nowhere = LibC.Open("/dev/null", OpenFlags.WriteOnly | OpenFlags.CloseOnExec, 0);
        _ = LibC.DuplicateTo(nowhere.Number, StandardError);
        return Tell(starter, ExitCodes.Success);
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
