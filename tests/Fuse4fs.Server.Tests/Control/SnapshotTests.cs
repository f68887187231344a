using System.Globalization;
using Fuse4fs.Testing;
using static Fuse4fs.Server.Tests.Control.FreezeTests;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>fuse4fs snapshot: a copy that can be used at once, equal to the mount.</summary>
public sealed class SnapshotTests
{
    private const long OffsetBytes = 1 << 20;

    [Theory]
    [InlineData("-t ext4")]
    [InlineData("-t ext4 -b 1024 -O inline_data,quota")]
    [InlineData("-t ext4 -O bigalloc -C 16384")]
    [InlineData("-t ext3")]
    public void The_copy_is_clean_and_equal_to_the_tree(string format)
    {
        Require();
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(format, 128L << 20);
        using var mount = new ServedMount(image.Path, "rw");
        Fill(mount);
        string copy = image.Directory.Combine("copy");
        Assert.Equal(new ToolResult(0, "", ""), Command.Run("snapshot", mount.MountPoint, copy));
        Assert.Equal("600\n", Tool.Check("stat", "-c", "%a", copy));
        Assert.Equal(new FileInfo(image.Path).Length, new FileInfo(copy).Length);
        Assert.InRange(AllocatedBytes(copy), 1, new FileInfo(copy).Length / 2);
        E2fsck.AssertClean(copy);
        using (var kernel = new LoopMount(copy, "ro"))
        {
            Tool.Check("diff", "--recursive", "--no-dereference", mount.MountPoint, kernel.MountPoint);
        }
        Assert.Equal("read-write", mount.Status("mode"));
    }

    /// <summary>The whole file, with what is before the volume.</summary>
    [Fact]
    public void A_copy_of_a_partition_has_the_whole_disk()
    {
        Require();
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var directory = new TemporaryDirectory();
        string disk = directory.Combine("disk");
        TestImage.CreateSparse(disk, OffsetBytes + (64 << 20));
        Tool.Shell($"printf before | dd of='{disk}' conv=notrunc status=none");
        Tool.Check("mke2fs", "-q", "-F", "-t", "ext4", "-E", $"offset={OffsetBytes}", disk, "64M");
        using var mount = new ServedMount(disk, $"rw,offset={OffsetBytes}");
        Fill(mount);
        string copy = directory.Combine("copy");
        Done(Command.Run("snapshot", mount.MountPoint, copy));
        Assert.StartsWith("before", Tool.Check("head", "-c", "6", copy), StringComparison.Ordinal);
        E2fsck.AssertClean($"{copy}?offset={OffsetBytes}");
        using var kernel = new LoopMount(copy, $"ro,offset={OffsetBytes}");
        Tool.Check("diff", "--recursive", "--no-dereference", mount.MountPoint, kernel.MountPoint);
    }

    [Fact]
    public void A_block_device_is_copied_into_a_sparse_file()
    {
        Require();
        using var image = new TestImage("-t ext4", 128L << 20);
        using var loop = new LoopDevice(image.Path);
        using var mount = new ServedMount(loop.Path, "rw");
        Fill(mount);
        string copy = image.Directory.Combine("copy");
        Done(Command.Run("snapshot", mount.MountPoint, copy));
        Assert.Equal(new FileInfo(image.Path).Length, new FileInfo(copy).Length);
        Assert.InRange(AllocatedBytes(copy), 1, new FileInfo(copy).Length / 2);
        E2fsck.AssertClean(copy);
        Assert.EndsWith("never synced", Debugfs.Read(copy, "cat /dirty"), StringComparison.Ordinal);
        mount.Unmount();
    }

    /// <summary>Where the host can, the blocks are shared: the freeze is short, and the copy takes no space.</summary>
    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public void On_a_host_that_can_share_blocks_they_are_shared(string host)
    {
        Require();
        string? reason = Host.Without($"mkfs.{host}");
        Assert.SkipUnless(reason is null, reason ?? "");
        using var directory = new TemporaryDirectory();
        string device = directory.Combine("device");
        TestImage.CreateSparse(device, 512L << 20);
        Tool.Check($"mkfs.{host}", "-q", device);
        string place = directory.CreateSubdirectory("host");
        ToolResult mounted = Tool.Run("mount", "-t", host, "-o", "loop", device, place);
        Assert.SkipUnless(mounted.ExitCode == 0, $"no {host} here: {mounted.Errors.Trim()}");
        string image = Path.Combine(place, "image");
        TestImage.CreateSparse(image, 64L << 20);
        Tool.Check("mke2fs", "-q", "-F", "-t", "ext4", image);
        using (var mount = new ServedMount(image, "rw"))
        {
            Fill(mount);
            Tool.Shell($"head -c 20000000 /dev/urandom > '{mount.Combine("random")}'");
            string copy = Path.Combine(place, "copy");
            Done(Command.Run("snapshot", mount.MountPoint, copy));
            E2fsck.AssertClean(copy);
            Assert.Contains("shared", Tool.Check("filefrag", "-v", copy), StringComparison.Ordinal);
            mount.Unmount();
        }
        Tool.Run("umount", place);
    }

    /// <summary>Each copy holds what was synced before it was begun, whatever goes on meanwhile.</summary>
    [Fact]
    public void Copies_of_a_mount_at_work_are_clean()
    {
        Require();
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        Assert.SkipUnless(Host.Without("perl") is null, Host.Without("perl") ?? "");
        using var image = new TestImage("-t ext4 -b 1024", 128L << 20);
        using var mount = new ServedMount(image.Path, "rw");
        using var load = new OrderedWriters(mount.MountPoint, 4);
        string copy = image.Directory.Combine("copy");
        for (int round = 0; round < 3; round++)
        {
            load.AwaitProgress();
            Done(Command.Run("snapshot", mount.MountPoint, copy));
            E2fsck.AssertClean(copy);
            using (var kernel = new LoopMount(copy, "ro"))
            {
                load.Check(kernel.MountPoint);
            }
            File.Delete(copy);
        }
        load.Stop();
        mount.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void What_cannot_be_is_refused_by_name_and_leaves_nothing()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        string copy = image.Directory.Combine("copy");
        File.WriteAllText(copy, "precious");
        Refused("exists", mount, copy);
        Assert.Equal("precious", File.ReadAllText(copy));
        File.Delete(copy);
        Tool.Check("ln", "--symbolic", "/no/such/place", copy);
        Refused("exists", mount, copy);
        File.Delete(copy);
        Refused("lies in the mount that is to be copied", mount, mount.Combine("copy"));
        string bound = image.Directory.CreateSubdirectory("bound");
        Tool.Check("mount", "--bind", mount.MountPoint, bound);
        Refused("lies in the mount that is to be copied", mount, Path.Combine(bound, "copy"));
        Tool.Check("umount", bound);
        Refused("cannot be made", mount, "/proc/copy");
        Refused("cannot be made", mount, image.Directory.Combine("none/copy"));
        Freeze(mount);
        Refused("frozen already", mount, copy);
        Done(Command.Run("thaw", mount.MountPoint));
        ToolResult foreign = Command.Run("snapshot", "/proc", copy);
        Assert.Equal(32, foreign.ExitCode);
        Assert.Equal(["lost+found"], Directory.GetFileSystemEntries(mount.MountPoint).Select(Path.GetFileName));
        Assert.False(File.Exists(copy));
        mount.Unmount();
    }

    /// <summary>No space for it: the mount goes on, and there is no half copy.</summary>
    [Fact]
    public void A_host_that_is_full_gets_no_copy()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($"head -c 8000000 /dev/urandom > '{mount.Combine("random")}'");
        string small = image.Directory.CreateSubdirectory("small");
        Tool.Check("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small);
        try
        {
            Refused(nameof(Linux.Errno.NoSpace), mount, Path.Combine(small, "copy"));
            Assert.Empty(Directory.GetFileSystemEntries(small));
            Directory.CreateDirectory(mount.Combine("after"));
        }
        finally
        {
            Tool.Run("umount", small);
        }
    }

    private static void Refused(string why, ServedMount mount, string copy)
    {
        ToolResult result = Command.Run("snapshot", mount.MountPoint, copy);
        Assert.Equal(32, result.ExitCode);
        Assert.Contains(why, result.Errors, StringComparison.Ordinal);
    }

    private static void Fill(ServedMount mount)
    {
        Tool.Shell($"cp -a /usr/include/linux '{mount.Combine("tree")}'; rm -rf '{mount.Combine("tree/netfilter")}'");
        File.WriteAllText(mount.Combine("dirty"), "never synced");
    }

    private static long AllocatedBytes(string path) =>
        long.Parse(Tool.Check("stat", "-c", "%b", path), CultureInfo.InvariantCulture) * 512;
}
