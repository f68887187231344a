using System.Globalization;
using System.Text;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Sources;

namespace Fuse4fs.Daemon;

/// <summary>Starts the server as a process of its own and waits until its mount is ready or refused. A process with
/// threads cannot fork, so the server is this program executed again: in a session of its own, with standard input
/// and output on /dev/null, standard error ours until it is ready, and no other descriptor of the caller's.</summary>
internal static unsafe class DaemonLauncher
{
    private const int SetIoFlusher = 57;
    private const int CloseOnExecPipe = (int)OpenFlags.CloseOnExec;

    /// <returns>The exit code for the one who asked.</returns>
    public static int Launch(MountRequest request)
    {
        // The flag (PR_SET_IO_FLUSHER) belongs to a thread, is inherited over spawn and so reaches every thread of the
        // server: its allocations then never wait for write-back into its own mount. Needs a privilege; else unset.
        _ = LibC.ProcessControl(SetIoFlusher, 1, 0, 0, 0);
        int* ends = stackalloc int[2];
        if (LibC.Pipe(ends, CloseOnExecPipe) != 0)
        {
            return ExitCodes.Report($"cannot make a pipe: {LibC.LastError}", ExitCodes.MountFailed);
        }
        using var reading = new FileDescriptor(ends[0]);
        Errno error;
        int processId;
        using (var writing = new FileDescriptor(ends[1]))
        {
            error = Spawn(request, writing, out processId);
        }
        return error == Errno.Ok
            ? Await(reading, processId)
            : ExitCodes.Report($"cannot start the server: {error}", ExitCodes.MountFailed);
    }

    private static int Await(FileDescriptor reading, int processId)
    {
        byte code;
        nint length;
        do
        {
            length = LibC.Read(reading, &code, 1);
        }
        while (length < 0 && LibC.LastError == Errno.Interrupted);
        if (length == 1)
        {
            return code;
        }
        int exit = LibC.WaitForExit(processId);
        return ExitCodes.Report(exit > 128
            ? string.Create(CultureInfo.InvariantCulture, $"the server was ended by signal {exit - 128} before it was ready")
            : "the server ended before it was ready", ExitCodes.MountFailed);
    }

    private static Errno Spawn(MountRequest request, FileDescriptor readiness, out int processId)
    {
        (string program, List<string> arguments) = OwnCommand();
        arguments.AddRange(ServerArguments.Write(request, readiness.Number));
        return LibC.TrySpawnDetached(program, arguments, Environment(), readiness,
            InheritedDescriptors(DescriptorPath.Number(request.Source)), out processId);
    }

    /// <summary>Whatever the caller left open would stay open for as long as the mount lives (a pipe kept so blocks its
    /// reader for ever): to be closed, except the image itself when it was passed as a descriptor.</summary>
    private static List<int> InheritedDescriptors(int? imageDescriptor)
    {
        const int getDescriptorFlags = 1;
        const int standardError = 2;
        var inherited = new List<int>();
        foreach (string entry in Directory.EnumerateFiles("/proc/self/fd"))
        {
            // Without close-on-exec: ours all have it.
            if (int.TryParse(Path.GetFileName(entry.AsSpan()), out int descriptor) && descriptor > standardError
                && descriptor != imageDescriptor && LibC.FileControl(descriptor, getDescriptorFlags, 0) == 0)
            {
                inherited.Add(descriptor);
            }
        }
        return inherited;
    }

    private static (string Program, List<string> Arguments) OwnCommand()
    {
        string program = System.Environment.ProcessPath ?? "/proc/self/exe";
        if (Path.GetFileNameWithoutExtension(program) != "dotnet")
        {
            return (program, ["fuse4fs"]);
        }
        return (program, ["fuse4fs", Path.Combine(AppContext.BaseDirectory, "fuse4fs.dll")]);
    }

    /// <summary>Ours, with the runtime's diagnostics port (a socket in /tmp, a thread) off unless asked for.</summary>
    private static List<string> Environment()
    {
        List<string> variables = [.. Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/environ"))
            .Split('\0', StringSplitOptions.RemoveEmptyEntries)];
        if (!variables.Exists(static variable =>
            variable.StartsWith("DOTNET_EnableDiagnostics=", StringComparison.Ordinal)))
        {
            variables.Add("DOTNET_EnableDiagnostics=0");
        }
        return variables;
    }
}
