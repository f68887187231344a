using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>x-systemd.automount and autofs: the mount is made when somebody goes there, who waits. Everybody waits but the
/// daemon that makes it, with its process group; a server that left that group would wait for itself.</summary>
public sealed class AutomountTests
{
    /// <summary>What systemd does for an automount unit: a direct autofs mount, one packet, one mount, one answer.</summary>
    private const string Daemon = """
        my ($place, $program, $image) = @ARGV;
        setpgrp(0, 0);
        $^F = 1000;
        pipe(my $packets, my $kernels) or die "$!";
        $^F = 2;
        system("mount", "-i", "-t", "autofs", "-o", "fd=" . fileno($kernels) . ",pgrp=" . getpgrp()
            . ",minproto=5,maxproto=5,direct", "autofs", $place) == 0 or die "no autofs";
        open(my $root, "<", $place) or die "$!";
        my $visitor = fork() // die "$!";
        if ($visitor == 0) { setpgrp(0, 0); exec "cat", "$place/file"; }
        sysread($packets, my $packet, 1000) or die "$!";
        my $token = unpack("x8 L", $packet);
        my $code = system($program, $image, $place) >> 8;
        ioctl($root, $code == 0 ? 0x9360 : 0x9361, $token) or die "$!";
        waitpid($visitor, 0);
        $code ||= $? >> 8;
        $code ||= system($program, "umount", $place) >> 8;
        exit($code);
        """;

    [Fact]
    public void Who_goes_there_gets_the_mount()
    {
        string? reason = Host.NoRootFuse ?? Host.Without("perl")
            ?? (File.ReadAllText("/proc/filesystems").Contains("\tautofs\n", StringComparison.Ordinal) ? null : "no autofs");
        Assert.SkipUnless(reason is null, reason ?? "");
        using var contents = new TemporaryDirectory();
        File.WriteAllText(contents.Combine("file"), "contents\n");
        using var image = new TestImage("-t ext4", contents: contents.Path);
        string place = image.Directory.CreateSubdirectory("mnt");
        // When it is stuck: all processes and mounts end with the first process of the namespace.
        ToolResult result = Tool.Run("timeout", "--kill-after=1", "120", "unshare", "--mount", "--pid", "--fork",
            "--kill-child", "--mount-proc", "perl", "-e", Daemon, place, Command.Path, image.Path);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("contents\n", result.Output);
        image.AssertClean();
    }
}
