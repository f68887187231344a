using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>lockfile=: a file that exists while the mount does. Created exclusively, so a second mount with the same
/// lock file is refused.</summary>
internal sealed class LockFile : IDisposable
{
    private readonly string _path;

    private LockFile(string path) => _path = path;

    /// <exception cref="MountRefusedException">It exists, or cannot be made.</exception>
    public static LockFile Create(string path)
    {
        string absolute = System.IO.Path.GetFullPath(path);
        const int readableByOwner = 256;
        using FileDescriptor file = LibC.Open(absolute,
            OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.CloseOnExec, readableByOwner);
        if (file.IsInvalid)
        {
            Errno error = LibC.LastError;
            throw new MountRefusedException(error == Errno.Exists
                ? $"{path}: the lock file exists, the image may be in use"
                : $"{path}: cannot make the lock file: {error}");
        }
        return new LockFile(absolute);
    }

    /// <summary>Absolute.</summary>
    public string Path => _path;

    /// <summary>Who removes it at the end; null: we do.</summary>
    public Action? Remover { get; set; }

    /// <summary>Removes the file.</summary>
    public void Dispose()
    {
        if (Remover is { } remove)
        {
            remove();
            return;
        }
        File.Delete(_path);
    }
}
