using System.Globalization;
using System.Text;
using Fuse4fs.Inspecting.Probing;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Sources;

namespace Fuse4fs.Daemon;

/// <summary>Starts the server as a process of its own and waits until its mount is ready or refused. A process with
/// threads cannot fork, so the server is this program executed again, with standard input and output on /dev/null
/// and no descriptor of the caller's. Its standard error is a pipe to us (the runtime keeps a
/// copy of whatever it was started with for ever, so it must not be the caller's): text for the caller, then a zero
/// byte and the exit code. See <see cref="ServerProcess"/>.</summary>
internal static unsafe class DaemonLauncher
{
    private const int SetIoFlusher = 57;
    private const int MessageBytes = 4096;

    /// <summary>The heap's limit, in hexadecimal percent of the memory we may use: half. So it may be locked in memory
    /// where the kernel waits for us to free some (iomap).</summary>
    private const string HeapLimit = "DOTNET_GCHeapHardLimit";

    /// <returns>The exit code for the one who asked.</returns>
    public static int Launch(MountRequest request)
    {
        // The flag (PR_SET_IO_FLUSHER) belongs to a thread, is inherited over spawn and so reaches every thread of the
        // server: its allocations then never wait for write-back into its own mount. Needs a privilege; else unset.
        _ = LibC.ProcessControl(SetIoFlusher, 1, 0, 0, 0);
        Errno error = LibC.TryCreatePipe(out FileDescriptor? reading, out FileDescriptor? writing);
        if (error != Errno.Ok)
        {
            return ExitCodes.Report($"cannot make a pipe: {error}", ExitCodes.MountFailed);
        }
        using (reading)
        {
            int processId;
            using (writing)
            {
                error = Spawn(request, writing!, out processId);
            }
            return error == Errno.Ok
                ? Await(reading!, processId)
                : ExitCodes.Report($"cannot start the server: {error}", ExitCodes.MountFailed);
        }
    }

    /// <summary>Hands the server's words on until its exit code comes.</summary>
    private static int Await(FileDescriptor reading, int processId)
    {
        byte* buffer = stackalloc byte[MessageBytes];
        bool isCodeNext = false;
        while (true)
        {
            nint length = LibC.Read(reading, buffer, MessageBytes);
            if (length < 0 && LibC.LastError == Errno.Interrupted)
            {
                continue;
            }
            if (length <= 0)
            {
                return ReportDeath(LibC.WaitForExit(processId));
            }
            var text = new ReadOnlySpan<byte>(buffer, (int)length);
            if (isCodeNext)
            {
                return text[0];
            }
            int end = text.IndexOf((byte)0);
            PassOn(end < 0 ? text : text[..end]);
            if (end >= 0 && end + 1 < text.Length)
            {
                return text[end + 1];
            }
            isCodeNext = end >= 0;
        }
    }

    private static int ReportDeath(int exit) => ExitCodes.Report(exit > 128
        ? string.Create(CultureInfo.InvariantCulture, $"the server was ended by signal {exit - 128} before it was ready")
        : "the server ended before it was ready", ExitCodes.MountFailed);

    private static void PassOn(ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty)
        {
            using Stream error = Console.OpenStandardError();
            error.Write(text);
        }
    }

    private static Errno Spawn(MountRequest request, FileDescriptor standardError, out int processId)
    {
        (string program, List<string> arguments) = OwnCommand();
        arguments.AddRange(ServerArguments.Write(request));
        return LibC.TrySpawnDetached(program, arguments, Environment(), standardError,
            InheritedDescriptors(DescriptorPath.Number(request.Source), DescriptorPath.Number(request.MountPoint)),
            out processId);
    }

    /// <summary>Whatever the caller left open would stay open for as long as the mount lives (a pipe kept so blocks its
    /// reader for ever): to be closed, except the image itself and an open /dev/fuse when they were passed as descriptors.
    /// </summary>
    private static List<int> InheritedDescriptors(int? imageDescriptor, int? fuseDescriptor)
    {
        const int getDescriptorFlags = 1;
        const int standardError = 2;
        var inherited = new List<int>();
        foreach (string entry in Directory.EnumerateFiles("/proc/self/fd"))
        {
            // Without close-on-exec: ours all have it.
            if (int.TryParse(Path.GetFileName(entry.AsSpan()), out int descriptor) && descriptor > standardError
                && descriptor != imageDescriptor && descriptor != fuseDescriptor
                && LibC.FileControl(descriptor, getDescriptorFlags, 0) == 0)
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
        if (KernelGreeting.IomapSupport() > 0
            && !variables.Exists(static variable => variable.StartsWith(HeapLimit, StringComparison.Ordinal)))
        {
            variables.Add(HeapLimit + "Percent=32");
        }
        return variables;
    }
}
