using System.Diagnostics;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Control;

/// <summary>Unmounts and waits for the server: of the type fuse, the kernel's umount returns while the server still has
/// everything to write back, and whoever then opens the image finds it half-written or locked.</summary>
public static class Unmounter
{
    /// <summary>MNT_FORCE.</summary>
    private const int Force = 1;

    /// <summary>How long a server may take. Long: a slow device with gigabytes of dirty pages behind it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <returns>Null, or what went wrong.</returns>
    public static string? Unmount(string mountPoint, bool lazy, bool force)
    {
        string place = PlaceOf(mountPoint);
        MountEntry? mount = MountTable.Find(place);
        if (mount is null)
        {
            return $"{mountPoint}: not mounted";
        }
        if (!mount.Type.StartsWith("fuse", StringComparison.Ordinal))
        {
            return $"{mountPoint}: mounted as {mount.Type}, not by fuse4fs";
        }
        bool isOurs = MountControl.TryIdentify(place, out MountIdentity identity, out _);
        int? server = isOurs ? MountControl.ServerProcess(in identity) : null;
        using FileDescriptor watch = new(server is int process ? LibC.OpenProcess(process) : -1);
        // Asked before: afterwards the device's number may be another mount's already.
        bool livesOn = lazy || MountTable.Read().Count(entry => entry.Device == mount.Device) > 1;
        Thaw(mountPoint);
        // Forced: the requests under way are aborted, so that it is no longer in use.
        Errno error = force && LibC.Unmount(place, Force) == 0 ? Errno.Ok : FuseMount.Unmount(place, lazy);
        if (error != Errno.Ok)
        {
            return error switch
            {
                Errno.Busy => $"{mountPoint}: in use",
                Errno.NotPermitted => $"{mountPoint}: no permission to unmount it",
                Errno.Invalid => $"{mountPoint}: not mounted",
                _ => $"{mountPoint}: {error}",
            };
        }
        UserTable.Remove(place);
        return watch.IsInvalid || livesOn || HasEnded(watch)
            ? null
            : $"{mountPoint}: unmounted, but process {server} still serves it (mounted in another namespace?)";
    }

    /// <summary>While it is frozen the kernel cannot hand over what it has to write back, and umount would wait for the
    /// freeze's end.</summary>
    private static void Thaw(string mountPoint)
    {
        using ControlClient? client = ControlClient.Connect(mountPoint, out _);
        _ = client?.AskQuickly(new ControlRequest { Verb = ControlVerb.Thaw });
    }

    private static bool HasEnded(FileDescriptor process)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Patience)
        {
            if (LibC.WaitReadable(process, 1000) > 0)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>A mount point as the mount table spells it. The last part is not looked at: a dead mount cannot be.
    /// </summary>
    public static string PlaceOf(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return MountTable.Read().Any(entry => entry.MountPoint == full)
            ? full
            : Path.TrimEndingDirectorySeparator(LibC.RealPath(full) ?? full);
    }
}
