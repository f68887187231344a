using Fuse4fs.Linux;
using Fuse4fs.Server.Sources;

namespace Fuse4fs.Server.Control;

/// <summary>The client's side of <see cref="ControlCommands"/>: one mount, found by its mount point.</summary>
public static unsafe class MountControl
{
    /// <summary>Lines about a mount of ours.</summary>
    /// <returns>Null and what went wrong in <paramref name="failure"/>, or the lines.</returns>
    public static string? Status(string mountPoint, out string failure)
    {
        failure = "";
        ControlStatus status;
        return Send(mountPoint, ControlCommands.Status, &status, out failure) ? status.Text : null;
    }

    /// <summary>Returns when everything written to the mount so far is durable: first the kernel's dirty pages go to
    /// the server, then the server commits.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public static string? Sync(string mountPoint)
    {
        using (FileDescriptor root = OpenRoot(mountPoint, out Errno error))
        {
            if (!root.IsInvalid && LibC.SyncFileSystem(root) != 0)
            {
                error = LibC.LastError;
            }
            if (error != Errno.Ok)
            {
                return Explain(mountPoint, error);
            }
        }
        return Send(mountPoint, ControlCommands.Sync, null, out string failure) ? null : failure;
    }

    /// <summary>Ends the service of a mount; it stays mounted and answers EIO.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public static string? Shutdown(string mountPoint, ShutdownMode mode)
    {
        uint word = (uint)mode;
        return Send(mountPoint, ControlCommands.Shutdown, &word, out string failure) ? null : failure;
    }

    /// <summary>The process that serves a mount; null when it is not ours to see.</summary>
    internal static int? ServerProcess(string mountPoint)
    {
        ControlStatus status;
        return Send(mountPoint, ControlCommands.Status, &status, out _)
            && status.ProcessNamespace == OwnProcessNamespace() ? status.ProcessId : null;
    }

    /// <summary>Whether a mount's server was started read-only; null when the mount is not ours.</summary>
    public static bool? IsServedReadOnly(string mountPoint)
    {
        ControlStatus status;
        return Send(mountPoint, ControlCommands.Status, &status, out _) ? status.IsReadOnly != 0 : null;
    }

    internal static ulong OwnProcessNamespace() =>
        LibC.Status("/proc/self/ns/pid", out FileStatus space) == Errno.Ok ? space.Inode : 0;

    private static bool Send(string mountPoint, uint command, void* argument, out string failure)
    {
        failure = "";
        using FileDescriptor root = OpenRoot(mountPoint, out Errno error);
        if (error == Errno.Ok && LibC.IoControl(root, command, argument) < 0)
        {
            error = LibC.LastError;
        }
        if (error == Errno.Ok && command == ControlCommands.Status
            && ((ControlStatus*)argument)->Mark != ControlStatus.ExpectedMark)
        {
            error = Errno.NotTerminal;
        }
        failure = error == Errno.Ok ? "" : Explain(mountPoint, error);
        return error == Errno.Ok;
    }

    private static FileDescriptor OpenRoot(string mountPoint, out Errno error)
    {
        FileDescriptor root = LibC.Open(mountPoint, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec, 0);
        error = root.IsInvalid ? LibC.LastError : Errno.Ok;
        return root;
    }

    private static string Explain(string mountPoint, Errno error) => error switch
    {
        Errno.NotTerminal or Errno.NotImplemented => $"{mountPoint}: not served by fuse4fs",
        Errno.NoEntry => $"{mountPoint}: no such directory",
        Errno.NotConnected => $"{mountPoint}: its server has gone",
        Errno.AccessDenied or Errno.NotPermitted => $"{mountPoint}: no permission",
        _ => $"{mountPoint}: {error}",
    };
}
