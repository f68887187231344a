using System.Runtime.InteropServices;
using Fuse4fs.Linux;

namespace Fuse4fs.Snapshots;

/// <summary>A new file that gets its name when it is complete. Where files without a name are not to be had it has it from the
/// beginning, and is removed unless it is complete.</summary>
internal sealed class SnapshotFile : IDisposable
{
    /// <summary>0600: who may read an image may read every file in it.</summary>
    private const int ForOwner = 0x180;

    /// <summary>What a shell adds to a signal's number.</summary>
    private const int EndedBySignal = 128;

    private const int Hangup = 1, Interrupt = 2, Terminate = 15;

    private readonly string _path;
    private readonly bool _isNamed;
    private readonly List<PosixSignalRegistration> _signals = [];
    private bool _isKept;

    private SnapshotFile(string path, FileDescriptor descriptor, bool isNamed)
    {
        _path = path;
        Descriptor = descriptor;
        _isNamed = isNamed;
        if (isNamed)
        {
            RemoveAt(PosixSignal.SIGHUP, Hangup);
            RemoveAt(PosixSignal.SIGINT, Interrupt);
            RemoveAt(PosixSignal.SIGTERM, Terminate);
        }
    }

    /// <summary>Open for reading and writing, empty.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Makes it.</summary>
    /// <param name="path">Its name, which must be free.</param>
    /// <param name="directory">Of the name.</param>
    /// <param name="failure">Why it cannot be made.</param>
    public static SnapshotFile? Create(string path, string directory, out string failure)
    {
        failure = "";
        if (Path.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            failure = $"{path}: exists";
            return null;
        }
        FileDescriptor file = LibC.Open(directory, OpenFlags.ReadWrite | OpenFlags.Unnamed | OpenFlags.CloseOnExec, ForOwner);
        bool isNamed = file.IsInvalid;
        if (isNamed)
        {
            file.Dispose();
            file = LibC.Open(path,
                OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.CloseOnExec, ForOwner);
        }
        if (file.IsInvalid)
        {
            failure = $"{path}: cannot be made: {LibC.LastError}";
            file.Dispose();
            return null;
        }
        return new SnapshotFile(path, file, isNamed);
    }

    /// <summary>It is complete: makes it durable and keeps it.</summary>
    /// <returns>What went wrong, or null.</returns>
    public string? Keep()
    {
        Errno error = LibC.FSync(Descriptor) == 0 ? Errno.Ok : LibC.LastError;
        error = error == Errno.Ok && !_isNamed ? LibC.TryName(Descriptor, _path) : error;
        _isKept = error == Errno.Ok;
        return error switch
        {
            Errno.Ok => null,
            Errno.Exists => $"{_path}: exists",
            _ => $"{_path}: {error}",
        };
    }

    public void Dispose()
    {
        _signals.ForEach(static signal => signal.Dispose());
        Remove();
        Descriptor.Dispose();
    }

    private void Remove()
    {
        if (_isNamed && !_isKept)
        {
            _ = LibC.Unlink(_path);
        }
    }

    private void RemoveAt(PosixSignal signal, int number) => _signals.Add(PosixSignalRegistration.Create(signal, _ =>
    {
        Remove();
        Environment.Exit(EndedBySignal + number);
    }));
}
