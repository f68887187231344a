using Fuse4fs.Commands;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs;

/// <summary>What mount(8) and umount(8) start for a type of their own: a symbolic link mount.fuse.TYPE or
/// umount.fuse.TYPE to this program. Silent on success; one line and a code other than 0 on failure. As with any
/// kernel file system, a mount made by root is open to everybody and honours devices and set-user-id bits unless the
/// caller says otherwise.</summary>
internal static class MountHelper
{
    private static readonly string[] RootDefaults = ["allow_other", "suid", "dev"];

    /// <summary>The name this process was started by, without its folder.</summary>
    public static string OwnName()
    {
        ReadOnlySpan<byte> line = File.ReadAllBytes("/proc/self/cmdline");
        int end = line.IndexOf((byte)0);
        return Path.GetFileName(System.Text.Encoding.UTF8.GetString(end < 0 ? line : line[..end]));
    }

    public static bool IsMount(string name) => name.StartsWith("mount.", StringComparison.Ordinal);

    public static bool IsUnmount(string name) => name.StartsWith("umount.", StringComparison.Ordinal);

    /// <summary>What mount(8) starts; see <see cref="HelperArguments"/>.</summary>
    public static int Mount(string name, string[] arguments)
    {
        HelperArguments given = HelperArguments.Parse(arguments);
        List<string> words = Complete(given.Words, given.Type ?? name["mount.".Length..]);
        var request = new MountRequest
        {
            Source = given.Source,
            MountPoint = given.MountPoint,
            Words = words,
            Quiet = true,
        };
        if (given.IsSloppy)
        {
            request = request with { Words = [.. words.Where(word => IsKnown(request, word))] };
        }
        OptionParser parsed = OptionParser.Parse(request);
        return given.Pretends ? ExitCodes.Success : MountCommand.Run(request, parsed);
    }

    /// <summary>DIRECTORY [-flnrv] [-N namespace] [-t type], as umount(8) documents for helpers.</summary>
    public static int Unmount(string[] arguments)
    {
        string? mountPoint = null;
        bool lazy = false;
        bool force = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is "-t" or "-N")
            {
                i++;
            }
            else if (arguments[i].StartsWith('-'))
            {
                lazy |= arguments[i].Contains('l', StringComparison.Ordinal);
                force |= arguments[i].Contains('f', StringComparison.Ordinal);
            }
            else
            {
                mountPoint = arguments[i];
            }
        }
        if (mountPoint is null)
        {
            throw new UsageException("a mount point is expected");
        }
        string place = Unmounter.PlaceOf(mountPoint);
        if (MountTable.Find(place) is { } mount && !mount.Type.StartsWith("fuse", StringComparison.Ordinal))
        {
            // A line of the table of helpers outlived its mount.
            UserTable.Remove(place);
            return FuseMount.Unmount(place, lazy) == Errno.Ok
                ? ExitCodes.Success
                : ExitCodes.Report($"{mountPoint}: cannot be unmounted", ExitCodes.MountFailed);
        }
        return UnmountCommand.Run(mountPoint, lazy, force);
    }

    private static bool IsKnown(MountRequest request, string word)
    {
        try
        {
            OptionParser.Parse(request with { Words = [word] });
            return true;
        }
        catch (UsageException)
        {
            return false;
        }
    }

    /// <summary>For a remount mount(8) repeats the whole line of the mount table, with what the kernel adds there.
    /// </summary>
    private static bool IsShownByKernel(string word) => word.StartsWith("user_id=", StringComparison.Ordinal)
        || word.StartsWith("group_id=", StringComparison.Ordinal);

    /// <summary>The type decides fuse or fuseblk and the subtype; what the caller said comes last and wins.</summary>
    private static List<string> Complete(List<string> words, string type)
    {
        List<string> complete = [];
        if (LibC.GetEffectiveUid() == 0)
        {
            complete.AddRange(RootDefaults);
        }
        int dot = type.IndexOf('.', StringComparison.Ordinal);
        string main = dot < 0 ? type : type[..dot];
        complete.Add(main == "fuseblk" ? "fuseblk=on" : "fuseblk=off");
        if (dot > 0)
        {
            complete.Add("subtype=" + type[(dot + 1)..]);
        }
        complete.AddRange(words.Contains("remount") ? words.Where(static word => !IsShownByKernel(word)) : words);
        return complete;
    }
}
