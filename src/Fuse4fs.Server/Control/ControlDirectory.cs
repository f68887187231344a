using System.Globalization;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Control;

/// <summary>Where the sockets of servers are: fuse4fs in XDG_RUNTIME_DIR, for root in /run; where neither can be used,
/// /tmp/fuse4fs-UID. Of the server's user, for nobody else.</summary>
internal static class ControlDirectory
{
    private const uint ForOwner = 0x1c0;
    private const int OthersMask = 0x3f;
    private const string Suffix = ".sock";

    /// <summary>All places of a user's servers, the preferred one first.</summary>
    private static IEnumerable<string> Candidates(uint user)
    {
        uint self = LibC.GetEffectiveUid();
        if (user == 0)
        {
            yield return "/run/fuse4fs";
        }
        if (user == self && Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime
            && Path.IsPathRooted(runtime))
        {
            yield return Path.Combine(runtime, "fuse4fs");
        }
        if (user != self)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"/run/user/{user}/fuse4fs");
        }
        yield return string.Create(CultureInfo.InvariantCulture, $"/tmp/fuse4fs-{user}");
    }

    /// <summary>The name of a mount's socket: its device number, unique while it exists; or the server's
    /// process, among those of all containers.
    /// </summary>
    public static string NameOf(string device) => (device.Length > 0
        ? device.Replace(':', '-')
        : string.Create(CultureInfo.InvariantCulture, $"process-{MountControl.OwnProcessNamespace()}-{Environment.ProcessId}")) + Suffix;

    /// <summary>The first place where we may make sockets, made when it is not there.</summary>
    public static string? Prepare()
    {
        uint user = LibC.GetEffectiveUid();
        foreach (string place in Candidates(user))
        {
            // There already, or not to be made: the next look tells.
            _ = LibC.MakeDirectory(place, ForOwner);
            if (IsOf(user, place))
            {
                return place;
            }
        }
        return null;
    }

    /// <summary>The socket of a mount; null when it is not to be seen.</summary>
    /// <param name="device">major:minor of the mount.</param>
    /// <param name="owner">Who mounted; null for the caller.</param>
    public static string? Find(string device, uint? owner)
    {
        uint user = owner ?? LibC.GetEffectiveUid();
        return Candidates(user).Where(place => IsOf(user, place))
            .Select(place => Path.Combine(place, NameOf(device))).FirstOrDefault(File.Exists);
    }

    /// <summary>All sockets of the caller's servers.</summary>
    public static IEnumerable<string> All()
    {
        uint user = LibC.GetEffectiveUid();
        return Candidates(user).Where(place => IsOf(user, place))
            .SelectMany(static place => Directory.EnumerateFiles(place, "*" + Suffix)).Order(StringComparer.Ordinal);
    }

    /// <summary>A directory, not a link, that nobody else can put anything into: in /tmp anybody may have made it.</summary>
    private static bool IsOf(uint user, string place)
    {
        using FileDescriptor directory = LibC.Open(place,
            OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.CloseOnExec, 0);
        return !directory.IsInvalid && LibC.Status(directory, out FileStatus status) == Errno.Ok
            && status.UserId == user && (status.Mode & OthersMask) == 0;
    }
}
