using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>One image, one writer: others are refused, and named.</summary>
public sealed class ClaimTests
{
    [Fact]
    public void Two_readers_share_an_image_and_a_writer_is_refused_by_name()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var first = new ServedMount(image.Path);
        using var second = new ServedMount(image.Path);
        string third = image.Directory.CreateSubdirectory("third");
        ToolResult result = Command.Run("-o", "rw", image.Path, third);
        Assert.Equal(32, result.ExitCode);
        Assert.Contains("locked by fuse4fs (process ", result.Errors, StringComparison.Ordinal);
        first.Unmount();
        second.Unmount();
    }

    [Theory]
    [InlineData("rw", "rw", true)]
    [InlineData("rw", "ro", true)]
    [InlineData("ro", "rw", true)]
    [InlineData("ro,noload", "ro", false)]
    public void A_mount_by_the_kernel_is_found_through_its_loop_device(string kernel, string ours, bool isRefused)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage("-t ext4");
        using var loop = new LoopMount(image.Path, kernel);
        string place = image.Directory.CreateSubdirectory("place");
        ToolResult result = Command.Run("-o", ours, image.Path, place);
        Assert.Equal(isRefused ? 32 : 0, result.ExitCode);
        if (isRefused)
        {
            Assert.Contains(loop.MountPoint, result.Errors, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(0, Command.Run("umount", place).ExitCode);
        }
    }

    [Fact]
    public void A_block_device_is_claimed_for_as_long_as_it_is_mounted()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage("-t ext4");
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        using (var mount = new ServedMount(device, "ro,fuseblk=off"))
        {
            Assert.Equal("fuse.ext4", mount.Entry.Type);
            Assert.Equal(device, mount.Entry.Source);
            Assert.Equal(32, Command.Run("-o", "ro", device, image.Directory.Path).ExitCode);
            ToolResult file = Command.Run("-o", "rw", image.Path, image.Directory.Path);
            Assert.Equal(32, file.ExitCode);
            Assert.Contains(device, file.Errors, StringComparison.Ordinal);
            // Whoever wants to write opens exclusively.
            Assert.Equal(8, Tool.Run("e2fsck", "-p", device).ExitCode);
            mount.Unmount();
        }
        Assert.Equal(0, Tool.Run("e2fsck", "-fn", device).ExitCode);
    }

    [Fact]
    public void A_block_device_is_mounted_as_fuseblk_by_root()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage("-t ext4");
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        using var mount = new ServedMount(device);
        Assert.Equal("fuseblk.ext4", mount.Entry.Type);
        ToolResult second = Command.Run("-o", "rw", device, image.Directory.Path);
        Assert.Equal(32, second.ExitCode);
        Assert.Contains(mount.MountPoint, second.Errors, StringComparison.Ordinal);
        mount.Unmount();
        Assert.Equal(0, Tool.Run("e2fsck", "-fn", device).ExitCode);
    }

    [Fact]
    public void A_lock_file_exists_while_the_mount_does()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string lockFile = image.Directory.Combine("lock");
        using var mount = new ServedMount(image.Path, "ro,lockfile=" + lockFile);
        Assert.True(File.Exists(lockFile));
        ToolResult second = Command.Run("-o", "ro,lockfile=" + lockFile, image.Path, image.Directory.Path);
        Assert.Equal(32, second.ExitCode);
        Assert.Contains(lockFile, second.Errors, StringComparison.Ordinal);
        mount.Unmount();
        Assert.False(File.Exists(lockFile));
    }
}
