using System.Collections;
using System.Globalization;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting;

/// <summary>fusermount3, the set-user-id program that mounts and unmounts for ordinary users. It opens /dev/fuse and
/// sends the descriptor back over a socket whose number it finds in _FUSE_COMMFD.</summary>
internal static class MountHelper
{
    private const string Program = "fusermount3";
    private const string SocketVariable = "_FUSE_COMMFD";
    private const int LongestMessage = 4096;

    /// <summary>Mounts.</summary>
    /// <exception cref="FuseException">It is not installed or refused; its own words are in the message.</exception>
    public static FuseDevice Mount(string mountPoint, MountOptions options)
    {
        Check(LibC.TryCreateSocketPair(out FileDescriptor? ours, out FileDescriptor? theirs));
        using (ours)
        using (theirs)
        {
            string[] arguments = [Program, "-o", options.ToHelperList(), "--", mountPoint];
            (int exitCode, string words) = Run(arguments, theirs!, () => theirs!.Dispose());
            Errno error = LibC.TryReceiveDescriptor(ours!, out FileDescriptor? device);
            if (error != Errno.Ok || exitCode > 0)
            {
                device?.Dispose();
                string hint = words.Contains($"failed to open {FuseDevice.Path}", StringComparison.Ordinal)
                    ? $" (usually everybody may open {FuseDevice.Path}: mode 0666)"
                    : "";
                throw new FuseException(Errno.NotPermitted, $"{mountPoint} could not be mounted: {words}{hint}");
            }
            return new FuseDevice(device!);
        }
    }

    /// <summary>Unmounts.</summary>
    /// <returns>Busy when it is in use; NotPermitted in all other cases, with the program's words.</returns>
    public static Errno Unmount(string mountPoint, bool lazily, out string words)
    {
        Check(LibC.TryCreateSocketPair(out FileDescriptor? ours, out FileDescriptor? theirs));
        using (ours)
        using (theirs)
        {
            string[] arguments = lazily
                ? [Program, "-u", "-z", "--", mountPoint]
                : [Program, "-u", "--", mountPoint];
            (int exitCode, words) = Run(arguments, theirs!, () => { });
            return exitCode == 0 ? Errno.Ok
                : words.Contains("busy", StringComparison.OrdinalIgnoreCase) ? Errno.Busy
                : Errno.NotPermitted;
        }
    }

    private static (int ExitCode, string Words) Run(string[] arguments, FileDescriptor socket, Action started)
    {
        Check(LibC.TryCreatePipe(out FileDescriptor? reader, out FileDescriptor? writer));
        using (reader)
        {
            int pid;
            using (writer)
            {
                Errno error = LibC.TrySpawn(arguments, Environment(socket), socket, writer!, out pid);
                if (error != Errno.Ok)
                {
                    throw new FuseException(error, error == Errno.NoEntry
                        ? $"{Program} is not installed (package fuse3), and mounting without it needs root"
                        : $"{Program} could not be started: {error}");
                }
            }
            started();
            string words = ReadAll(reader!);
            return (LibC.WaitForExit(pid), words);
        }
    }

    private static List<string> Environment(FileDescriptor socket)
    {
        var all = new List<string>();
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            if ((string)variable.Key != SocketVariable)
            {
                all.Add($"{variable.Key}={variable.Value}");
            }
        }
        all.Add(string.Create(CultureInfo.InvariantCulture, $"{SocketVariable}={socket.Number}"));
        return all;
    }

    private static unsafe string ReadAll(FileDescriptor reader)
    {
        byte* buffer = stackalloc byte[LongestMessage];
        int length = 0;
        while (length < LongestMessage)
        {
            nint count = LibC.Read(reader, buffer + length, (nuint)(LongestMessage - length));
            if (count > 0)
            {
                length += (int)count;
            }
            else if (count == 0 || LibC.LastError != Errno.Interrupted)
            {
                break;
            }
        }
        string text = Encoding.UTF8.GetString(buffer, length).Trim();
        return text.Length == 0 ? $"{Program} failed" : text.ReplaceLineEndings("; ");
    }

    private static void Check(Errno error)
    {
        if (error != Errno.Ok)
        {
            throw new FuseException(error, $"no descriptors left to start {Program}: {error}");
        }
    }
}
