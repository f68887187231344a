using System.Globalization;
using System.Text;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Sandbox;

/// <summary>A small process that does for a sealed server what that gave up: a shell that waits for a word and runs one of
/// a few fixed commands. It was started before the seal, holds no descriptor of ours but the socket, takes from the
/// server nothing but those words and numbers, and ends with it.</summary>
internal sealed class OutsideHelper : IDisposable
{
    private const string Shell = "/bin/sh";
    private const int LongestAnswer = 256;

    private readonly FileDescriptor _socket;
    private readonly Lock _gate = new();

    private OutsideHelper(FileDescriptor socket) => _socket = socket;

    /// <summary>Starts it.</summary>
    /// <param name="files">What it may touch.</param>
    /// <param name="helper">The helper, when it is Ok.</param>
    public static Errno TryStart(OutsideFiles files, out OutsideHelper? helper)
    {
        helper = null;
        Errno error = LibC.TryCreateSocketPair(out FileDescriptor? ours, out FileDescriptor? theirs);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (theirs)
        {
            string[] arguments = ["sh", "-c", OutsideScript.Text, "fuse4fs-helper", .. OutsideScript.Arguments(files)];
            error = LibC.TrySpawnHelper(Shell, arguments, theirs!);
        }
        if (error != Errno.Ok)
        {
            ours!.Dispose();
            return error;
        }
        helper = new OutsideHelper(ours!);
        return helper.Do("ready", default, out _) ? Errno.Ok : Errno.BrokenPipe;
    }

    /// <summary>Has the kernel write its dirty pages of the mount back.</summary>
    public void WriteBack() => Do("sync", default, out _);

    /// <summary>Unmounts.</summary>
    /// <returns>Busy when it did not work, for whatever reason.</returns>
    public Errno Unmount(bool lazily) => Do(lazily ? "detach" : "unmount", default, out _) ? Errno.Ok : Errno.Busy;

    /// <summary>Removes the control socket, if it is still the one that it was started with.</summary>
    public void RemoveSocket() => Do("socket", default, out _);

    /// <summary>Removes the lock file.</summary>
    public void RemoveLockFile() => Do("lock", default, out _);

    /// <summary>Replaces the file of metrics.</summary>
    public bool WriteMetrics(ReadOnlySpan<byte> text) => Do(Line($"metrics {text.Length}"), text, out _);

    /// <summary>Reads memory of a thread that waits for the answer to an ioctl.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="command">The ioctl's.</param>
    /// <param name="argument">Its argument: an address.</param>
    /// <param name="offset">From there.</param>
    /// <param name="into">At most 32 bytes.</param>
    public bool TryRead(int thread, uint command, ulong argument, ulong offset, Span<byte> into) =>
        Do(Line($"peek {thread} {command} {argument} {offset} {into.Length}"), default, out string answer)
        && answer.Length == 2 * into.Length
        && Convert.FromHexString(answer, into, out _, out _) == System.Buffers.OperationStatus.Done;

    /// <summary>Writes memory of a thread that waits for the answer to an ioctl; see <see cref="TryRead"/>.</summary>
    public bool TryWrite(int thread, uint command, ulong argument, ulong offset, ReadOnlySpan<byte> from) =>
        Do(Line($"poke {thread} {command} {argument} {offset} {from.Length}"), from, out _);

    /// <summary>It ends when nobody talks to it any more.</summary>
    public void Dispose() => _socket.Dispose();

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);

    /// <summary>Sends a line and what belongs to it, and waits for the answer: an exit code, and a word.</summary>
    private bool Do(string line, ReadOnlySpan<byte> more, out string answer)
    {
        answer = "";
        lock (_gate)
        {
            if (LibC.TrySend(_socket, Encoding.ASCII.GetBytes(line + "\n")) != Errno.Ok
                || (!more.IsEmpty && LibC.TrySend(_socket, more) != Errno.Ok))
            {
                return false;
            }
            Span<byte> bytes = stackalloc byte[LongestAnswer];
            int length = 0;
            while (length == 0 || bytes[length - 1] != '\n')
            {
                if (length == bytes.Length || LibC.TryReceive(_socket, bytes[length..], out int count) != Errno.Ok
                    || count == 0)
                {
                    return false;
                }
                length += count;
            }
            string[] words = Encoding.ASCII.GetString(bytes[..length]).Split(' ');
            answer = words[^1].Trim();
            return words is ["0", _];
        }
    }
}
