using System.Globalization;
using Fuse4fs.Server.Control;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>Where the control socket is, what lies in its place, and what is without one.</summary>
public sealed class SocketPlaceTests
{
    [Fact]
    public void A_mount_without_a_place_for_it_is_served_all_the_same()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string log = image.Directory.Combine("log");
        string mountPoint = image.Directory.CreateSubdirectory("mnt");
        // In a mount namespace of its own root's first place is read-only and the last one open to others.
        ToolResult result = Tool.Run("env", "-u", "XDG_RUNTIME_DIR", "unshare", "--mount", "bash", "-euc", $"""
            mount -t tmpfs -o ro tmpfs /run
            mkdir -p -m 700 /tmp/fuse4fs-0
            mount -t tmpfs -o mode=755 tmpfs /tmp/fuse4fs-0
            '{Command.Path}' -o rw --log-file '{log}' '{image.Path}' '{mountPoint}'
            echo kept > '{mountPoint}/file'
            '{Command.Path}' sync '{mountPoint}'
            '{Command.Path}' status '{mountPoint}' | grep -e ^mode -e ^IOCTL
            '{Command.Path}' status --json '{mountPoint}' | grep -o '"image":"[^"]*"'
            ! '{Command.Path}' shutdown '{mountPoint}'
            ! '{Command.Path}' list | grep .
            '{Command.Path}' umount '{mountPoint}'
            """);
        Tool.Run("rmdir", "--ignore-fail-on-non-empty", "/tmp/fuse4fs-0");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("it has no socket", result.Errors, StringComparison.Ordinal);
        // Its status comes through the mount itself.
        Assert.Matches($"^mode: read-write\nIOCTL: [0-9]+ requests.*\n\"image\":\"{image.Path}\"\n$", result.Output);
        Assert.Single(File.ReadAllLines(log), static line => line.Contains("no control socket", StringComparison.Ordinal));
        image.AssertClean();
        Assert.EndsWith("kept\n", Debugfs.Read(image.Path, "cat /file"), StringComparison.Ordinal);
    }

    /// <summary>Others cannot get at it; where somebody opens directory and socket to them the server sends them away.
    /// </summary>
    [Fact]
    public void Other_users_are_not_listened_to()
    {
        string? reason = Host.NoRootFuse ?? Host.Without("perl") ?? Host.Without("setpriv");
        Assert.SkipUnless(reason is null, reason ?? "");
        using var image = new TestImage("-t ext4");
        string mountPoint = image.Directory.CreateSubdirectory("mnt");
        const string ask = """
            use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[0])) or die "$!";
            $SIG{PIPE} = "IGNORE"; syswrite(S, qq({"verb":"Status"}\n)); sysread(S, $answer, 9); print length($answer // "");
            """;
        ToolResult result = Tool.Run("unshare", "--mount", "bash", "-euc", $"""
            mount -t tmpfs tmpfs /run
            '{Command.Path}' -o rw '{image.Path}' '{mountPoint}'
            trap "'{Command.Path}' umount '{mountPoint}'" EXIT
            chmod 755 /run /run/fuse4fs
            chmod 666 /run/fuse4fs/*.sock
            perl -e '{ask}' /run/fuse4fs/*.sock
            echo
            setpriv --reuid=65534 --regid=65534 --clear-groups perl -e '{ask}' /run/fuse4fs/*.sock
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("9\n0", result.Output);
        image.AssertClean();
    }

    [Fact]
    public void Through_the_mount_no_other_user_is_told_either()
    {
        string? reason = Host.NoRootFuse ?? Host.Without("perl") ?? Host.Without("setpriv");
        Assert.SkipUnless(reason is null, reason ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,allow_other");
        string ask = $"open D, \"<\", $ARGV[0] or die; $a = pack(\"x16380\"); print ioctl(D, 0x{ControlCommands.Status:X}, $a) ? $a : $!+0";
        Assert.StartsWith("{\"image\":", Tool.Check("perl", "-e", ask, mount.MountPoint), StringComparison.Ordinal);
        Assert.Equal("1", Tool.Check("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "perl", "-e", ask, mount.MountPoint));
    }

    [Fact]
    public void What_a_killed_server_left_is_passed_over()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        string path = $"/run/fuse4fs/{mount.Entry.Device.Replace(':', '-')}.sock";
        Tool.Check("kill", "-KILL", mount.ServerProcess.ToString(CultureInfo.InvariantCulture));
        Assert.True(mount.ServerEnds());
        Assert.True(File.Exists(path));
        ToolResult status = Command.Run("status", mount.MountPoint);
        Assert.Equal(32, status.ExitCode);
        Assert.Contains("cannot be reached", status.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain($"\t{image.Path}\t", Command.Run("list").Output, StringComparison.Ordinal);
        File.Delete(path);
        Tool.Check("umount", "--lazy", mount.MountPoint);
    }

    /// <summary>Whichever number the kernel gives the next mount.</summary>
    [Fact]
    public void What_lies_in_its_place_is_replaced()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string mountPoint = image.Directory.CreateSubdirectory("mnt");
        ToolResult result = Tool.Run("unshare", "--mount", "bash", "-euc", $"""
            mount -t tmpfs -o mode=755 tmpfs /run
            mkdir -m 700 /run/fuse4fs
            touch /run/fuse4fs/0-{"{0..4000}"}.sock
            '{Command.Path}' -o rw '{image.Path}' '{mountPoint}'
            '{Command.Path}' status '{mountPoint}' | grep ^mode
            find /run/fuse4fs -type s | wc -l
            '{Command.Path}' umount '{mountPoint}'
            ls /run/fuse4fs | wc -l
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("mode: read-write\n1\n4000\n", result.Output);
        image.AssertClean();
    }
}
