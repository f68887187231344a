using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>Every way a mount can end.</summary>
public sealed class StopTests
{
    [Theory]
    [InlineData("umount '{dir}'")]
    [InlineData("fusermount3 -u '{dir}'")]
    [InlineData("kill -TERM {process}")]
    [InlineData("kill -INT {process}")]
    [InlineData("umount -l '{dir}'")]
    public void The_server_ends_and_lets_the_image_go(string how)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string hash = image.Hash();
        using var mount = new ServedMount(image.Path);
        Tool.Shell(how.Replace("{dir}", mount.MountPoint, StringComparison.Ordinal)
            .Replace("{process}", mount.ServerProcess.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        Assert.True(mount.ServerEnds());
        Assert.Null(MountTable.Find(mount.MountPoint));
        // An exclusive lock is to be had again, and a read-only mount changed nothing.
        Assert.Equal(0, Tool.Run("flock", "--nonblock", image.Path, "true").ExitCode);
        Assert.Equal(hash, image.Hash());
    }

    /// <summary>The mount stays in the tree, dead, until somebody removes it; the server does not wait for that.</summary>
    [Fact]
    public void A_dead_connection_ends_the_server()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var directory = new TemporaryDirectory();
        string control = directory.CreateSubdirectory("control");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path);
        Tool.Check("mount", "-t", "fusectl", "none", control);
        try
        {
            File.WriteAllText($"{control}/{mount.Entry.Device.Split(':')[1]}/abort", "1");
        }
        finally
        {
            Tool.Check("umount", control);
        }
        Assert.True(mount.ServerEnds());
        Assert.Equal(0, Tool.Run("flock", "--nonblock", image.Path, "true").ExitCode);
        mount.Unmount();
        Assert.Null(MountTable.Find(mount.MountPoint));
    }

    [Fact]
    public void A_busy_mount_is_detached_and_served_until_its_last_user_leaves()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var tree = new TemporaryDirectory();
        byte[] data = new byte[2_000_000];
        new Random(5).NextBytes(data);
        File.WriteAllBytes(tree.Combine("file"), data);
        using var image = new TestImage("-t ext4", contents: tree.Path);
        using var mount = new ServedMount(image.Path);
        using (FileStream open = File.OpenRead(mount.Combine("file")))
        {
            Tool.Check("kill", "-TERM", mount.ServerProcess.ToString(CultureInfo.InvariantCulture));
            Assert.True(SpinWait.SpinUntil(() => MountTable.Find(mount.MountPoint) is null, TimeSpan.FromSeconds(60)));
            byte[] read = new byte[data.Length];
            open.ReadExactly(read);
            Assert.Equal(data, read);
            Assert.True(Directory.Exists($"/proc/{mount.ServerProcess}"));
        }
        Assert.True(mount.ServerEnds());
    }

    [Fact]
    public void A_second_signal_ends_a_busy_mount_at_once()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var tree = new TemporaryDirectory();
        File.WriteAllText(tree.Combine("file"), "x");
        using var image = new TestImage("-t ext4", contents: tree.Path);
        using var mount = new ServedMount(image.Path);
        using FileStream open = File.OpenRead(mount.Combine("file"));
        string process = mount.ServerProcess.ToString(CultureInfo.InvariantCulture);
        Tool.Check("kill", "-TERM", process);
        Assert.True(SpinWait.SpinUntil(() => MountTable.Find(mount.MountPoint) is null, TimeSpan.FromSeconds(60)));
        Tool.Check("kill", "-TERM", process);
        Assert.True(mount.ServerEnds());
        image.AssertClean();
    }

    [Fact]
    public void Umount_refuses_a_busy_mount_by_name_and_leaves_it()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var tree = new TemporaryDirectory();
        File.WriteAllText(tree.Combine("file"), "x");
        using var image = new TestImage("-t ext4", contents: tree.Path);
        using var mount = new ServedMount(image.Path);
        using (File.OpenRead(mount.Combine("file")))
        {
            ToolResult result = Command.Run("umount", mount.MountPoint);
            Assert.Equal(32, result.ExitCode);
            Assert.Equal($"fuse4fs: {mount.MountPoint}: in use\n", result.Errors);
            Assert.NotNull(MountTable.Find(mount.MountPoint));
        }
        mount.Unmount();
        Assert.Equal(32, Command.Run("umount", mount.MountPoint).ExitCode);
    }
}
