using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>What users of block devices expect of every file system, by the ordinary mount(2), umount(2) and mount(8)'s
/// ways.</summary>
public class BlockDeviceTests
{
    [Fact]
    public void Umount_returns_when_the_device_is_consistent_and_let_go()
    {
        Require();
        using var image = new TestImage("-t ext4", 256L << 20);
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        for (int round = 0; round < 4; round++)
        {
            using (var mount = new ServedMount(device, "rw"))
            {
                Tool.Shell($"mkdir {mount.Combine($"d{round}")}; head -c 40000000 /dev/urandom > {mount.Combine("big")}; "
                    + $"for i in $(seq 300); do echo $i > {mount.Combine($"d{round}")}/$i; done");
                // Without the helper of ours: the kernel's own wait for the server.
                Tool.Check("umount", "--internal-only", mount.MountPoint);
            }
            // Exclusively, so nobody has it; through the device, so nothing waits in the image file's cache.
            Assert.Equal(0, Tool.Run("e2fsck", "-fn", device).ExitCode);
            Assert.DoesNotContain("needs_recovery", Tool.Check("dumpe2fs", "-h", device), StringComparison.Ordinal);
        }
        Tool.Check("losetup", "--detach", device);
        image.AssertClean();
    }

    [Fact]
    public void A_second_mount_shows_the_first_one()
    {
        Require();
        using var image = new TestImage("-t ext4");
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        string second = image.Directory.CreateSubdirectory("second");
        using var mount = new ServedMount(device, "rw");
        ToolResult joined = Command.Run("-o", "rw,noexec", device, second);
        Assert.Equal(new ToolResult(0, "", ""), joined);
        Assert.Equal(mount.Entry.Device, MountTable.Find(second)!.Device);
        Assert.Contains("noexec", MountTable.Find(second)!.Options.Split(','));
        Assert.DoesNotContain("noexec", mount.Entry.Options.Split(','));
        File.WriteAllText(mount.Combine("name"), "seen twice");
        Assert.Equal("seen twice", File.ReadAllText(Path.Combine(second, "name")));
        Assert.Equal(32, Command.Run("-o", "ro", device, image.Directory.CreateSubdirectory("third")).ExitCode);
        mount.Unmount();
        File.WriteAllText(Path.Combine(second, "name"), "still served");
        Assert.Equal(new ToolResult(0, "", ""), Command.Run("umount", second));
        Assert.True(mount.ServerEnds());
        Assert.Equal(0, Tool.Run("e2fsck", "-fn", device).ExitCode);
    }

    [Fact]
    public void A_write_protected_device_is_mounted_read_only_and_says_so()
    {
        Require();
        using var image = new TestImage("-t ext4");
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        try
        {
            Protect(device, true);
            using (var mount = new ServedMount(device, "rw"))
            {
                Assert.Contains("write-protected, mounted read-only", mount.Messages, StringComparison.Ordinal);
                Assert.Contains("ro", mount.Entry.Options.Split(','));
                ToolResult remount = Command.Run("-o", "remount,rw", device, mount.MountPoint);
                Assert.Equal(32, remount.ExitCode);
                Assert.Contains("write-protected", remount.Errors, StringComparison.Ordinal);
                mount.Unmount();
            }
            Protect(device, false);
            LeaveJournal(device);
            Protect(device, true);
            // As the kernel's ext4: what needs recovery is not shown unasked when it cannot be recovered.
            ToolResult refused = Command.Run("-o", "rw", device, image.Directory.CreateSubdirectory("place"));
            Assert.Equal(32, refused.ExitCode);
            Assert.Contains("needs recovery", refused.Errors, StringComparison.Ordinal);
            using (var mount = new ServedMount(device, "ro"))
            {
                Assert.True(File.Exists(mount.Combine("name")));
            }
            using (var mount = new ServedMount(device, "rw,norecovery"))
            {
                Assert.Contains("ro", mount.Entry.Options.Split(','));
            }
        }
        finally
        {
            // The device keeps it beyond its image.
            Protect(device, false);
        }
    }

    [Fact]
    public void A_read_only_mount_becomes_writable_when_nobody_uses_it()
    {
        Require();
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.CreateSubdirectory("tree"), "there"), "before");
        using var image = new TestImage("-t ext4", contents: directory.Combine("tree"));
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        using var mount = new ServedMount(device, "ro");
        Assert.Throws<IOException>(() => File.WriteAllText(mount.Combine("name"), "refused"));
        using (File.OpenHandle(mount.Combine("there")))
        {
            Assert.Equal(32, Command.Run("-o", "remount,rw", device, mount.MountPoint).ExitCode);
        }
        Assert.Equal(new ToolResult(0, "", ""), Command.Run("-o", "remount,rw", device, mount.MountPoint));
        File.WriteAllText(mount.Combine("name"), "written");
        Assert.Equal(new ToolResult(0, "", ""), Command.Run("-o", "remount,ro", device, mount.MountPoint));
        Assert.Throws<IOException>(() => File.WriteAllText(mount.Combine("name"), "refused"));
        Assert.Equal(new ToolResult(0, "", ""), Command.Run("-o", "remount,rw", device, mount.MountPoint));
        File.AppendAllText(mount.Combine("name"), " twice");
        Assert.Equal("written twice", File.ReadAllText(mount.Combine("name")));
        Assert.Equal(0, Command.Run("umount", mount.MountPoint).ExitCode);
        Assert.Equal(0, Tool.Run("e2fsck", "-fn", device).ExitCode);
    }

    /// <summary>The same steps on the kernel's ext4; a letter for each tells whether the access time moved.</summary>
    [Theory]
    [InlineData("relatime")]
    [InlineData("strictatime")]
    [InlineData("noatime")]
    [InlineData("lazytime,strictatime")]
    public void Access_times_move_as_with_the_kernel(string options)
    {
        Require();
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        const string steps = """
            last=
            look() { now=$(stat -c %x file); [ "$now" = "$last" ] && printf N || printf Y; last=$now; sleep 0.02; }
            echo a > file; look
            cat file > /dev/null; look
            cat file > /dev/null; look
            echo b >> file; look
            cat file > /dev/null; look
            python3 -c 'import os; os.read(os.open("file", os.O_RDONLY | os.O_NOATIME), 9)'; look
            chmod 600 file; cat file > /dev/null; look
            touch -a -d '3 days ago' file; look; touch -m -d '9 days ago' file; look
            cat file > /dev/null; look
            chattr +A file; last=$(stat -c %x file); echo c >> file; cat file > /dev/null; look
            """;
        using var image = new TestImage("-t ext4");
        string expected;
        using (var kernel = new LoopMount(image.Path, options))
        {
            expected = Tool.Shell($"cd {kernel.MountPoint}; {steps}");
            kernel.Unmount();
        }
        using TestImage fresh = new("-t ext4");
        using var mount = new ServedMount(fresh.Path, options);
        Assert.Equal(expected, Tool.Shell($"cd {mount.MountPoint}; {steps}"));
        mount.Unmount();
        fresh.AssertClean();
    }

    [Fact]
    public void Times_of_an_append_only_file_can_be_set_to_now_alone()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        string file = mount.Combine("log");
        Tool.Shell($"echo a > {file}; chattr +a {file}");
        Tool.Shell($"touch {file}; echo b >> {file}");
        Assert.NotEqual(0, Tool.Run("touch", "-d", "2020-01-01", file).ExitCode);
        Assert.NotEqual(0, Tool.Run("chmod", "600", file).ExitCode);
        Tool.Shell($"chattr -a {file}; chattr +i {file}");
        Assert.NotEqual(0, Tool.Run("touch", file).ExitCode);
        Tool.Shell($"chattr -i {file}");
    }

    [Fact]
    public void A_new_label_is_seen_on_the_device_at_once()
    {
        Require();
        using var image = new TestImage("-t ext4 -L before");
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        using var mount = new ServedMount(device, "rw");
        File.WriteAllText(mount.Combine("name"), "more to commit");
        Tool.Check("python3", "-c", $"""
            import fcntl, os
            fcntl.ioctl(os.open("{mount.MountPoint}", os.O_RDONLY), 0x41009432, b"after".ljust(256, b"\0"))
            """);
        Assert.Contains("after", Tool.Check("dumpe2fs", "-h", device), StringComparison.Ordinal);
        mount.Unmount();
        Assert.Equal(0, Tool.Run("e2fsck", "-fn", device).ExitCode);
    }

    private static void Protect(string device, bool isProtected) =>
        Tool.Check("blockdev", isProtected ? "--setro" : "--setrw", device);

    private static void LeaveJournal(string device)
    {
        using var mount = new ServedMount(device, "rw");
        File.WriteAllText(mount.Combine("name"), "in the journal");
        Assert.Equal(0, Command.Run("shutdown", "--mode", "logflush", mount.MountPoint).ExitCode);
        mount.Unmount();
    }

    private static void Require() => Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
}
