using System.Text.Json;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Control;

/// <summary>The client's side of <see cref="ControlCommands"/>: one mount, found by its mount point.</summary>
public static unsafe class MountControl
{
    /// <summary>Returns when everything written to the mount so far is durable: first the kernel's dirty pages go to
    /// the server, then the server commits.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public static string? Sync(string mountPoint)
    {
        string? failure = WriteBack(mountPoint);
        return failure ?? (Send(mountPoint, ControlCommands.Sync, null, out failure) ? null : failure);
    }

    /// <summary>Has the kernel hand its dirty pages to the server.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public static string? WriteBack(string mountPoint)
    {
        using FileDescriptor root = OpenRoot(mountPoint, out Errno error);
        if (!root.IsInvalid && LibC.SyncFileSystem(root) != 0)
        {
            error = LibC.LastError;
        }
        return error == Errno.Ok ? null : Explain(mountPoint, error);
    }

    /// <summary>Gives free space back to the device below.</summary>
    /// <param name="mountPoint">Where.</param>
    /// <param name="minimumBytes">Shorter runs are left alone.</param>
    /// <param name="trimmedBytes">How much was given back.</param>
    /// <returns>Null, or what went wrong.</returns>
    public static string? Trim(string mountPoint, ulong minimumBytes, out ulong trimmedBytes)
    {
        ulong* range = stackalloc ulong[3] { 0, ulong.MaxValue, minimumBytes };
        bool isDone = Send(mountPoint, Handlers.IoControlCommands.Trim, range, out string failure);
        trimmedBytes = isDone ? range[1] : 0;
        return isDone ? null : failure;
    }

    /// <summary>Asks a mount what its server does, for servers without a socket.</summary>
    /// <returns>Null when the mount is not ours, or not ours to ask.</returns>
    public static ServerStatus? Status(string mountPoint)
    {
        byte[] answer = new byte[ControlCommands.StatusBytes];
        fixed (byte* start = answer)
        {
            if (!Send(mountPoint, ControlCommands.Status, start, out _))
            {
                return null;
            }
        }
        int end = answer.AsSpan().IndexOf((byte)0);
        try
        {
            return JsonSerializer.Deserialize(answer.AsSpan(0, end < 0 ? answer.Length : end),
                ControlJson.Default.ServerStatus);
        }
        catch (JsonException)
        {
            // Another server's, which answers what it does not know.
            return null;
        }
    }

    /// <summary>Asks a mount who serves it.</summary>
    internal static bool TryIdentify(string mountPoint, out MountIdentity identity, out string failure)
    {
        MountIdentity answer;
        bool isOurs = Send(mountPoint, ControlCommands.Identify, &answer, out failure);
        identity = answer;
        return isOurs;
    }

    /// <summary>The process that serves a mount; null when it is not ours to see.</summary>
    internal static int? ServerProcess(in MountIdentity identity) =>
        identity.ProcessNamespace == OwnProcessNamespace() ? identity.ProcessId : null;

    /// <summary>Whether a mount's server was started read-only; null when the mount is not ours.</summary>
    public static bool? IsServedReadOnly(string mountPoint) =>
        TryIdentify(mountPoint, out MountIdentity identity, out _) ? identity.IsReadOnly != 0 : null;

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
        if (error == Errno.Ok && command == ControlCommands.Identify
            && ((MountIdentity*)argument)->Mark != MountIdentity.ExpectedMark)
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
        Errno.NotSupported => $"{mountPoint}: not supported there",
        Errno.NoEntry => $"{mountPoint}: no such directory",
        Errno.NotConnected => $"{mountPoint}: its server has gone",
        Errno.AccessDenied or Errno.NotPermitted => $"{mountPoint}: no permission",
        _ => $"{mountPoint}: {error}",
    };
}
