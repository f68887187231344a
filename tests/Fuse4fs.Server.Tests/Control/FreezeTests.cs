using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>fuse4fs freeze and thaw: what is on the image meanwhile, and who waits.</summary>
public sealed class FreezeTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("-t ext4", "rw")]
    [InlineData("-t ext4 -O ^has_journal", "rw")]
    [InlineData("-t ext4 -O bigalloc,inline_data -C 16384", "rw")]
    [InlineData("-t ext4 -b 1024 -O orphan_file,fast_commit", "rw,io_uring")]
    [InlineData("-t ext3", "rw")]
    [InlineData("-t ext2 -b 1024", "rw")]
    public void While_frozen_the_image_is_clean_reads_go_on_and_changes_wait(string format, string options)
    {
        Require();
        using var tree = new TemporaryDirectory();
        Directory.CreateDirectory(tree.Combine("old"));
        File.WriteAllText(tree.Combine("old/file"), "old");
        Directory.CreateDirectory(tree.Combine("new"));
        using var image = new TestImage(format, contents: tree.Path);
        using var mount = new ServedMount(image.Path, options);
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < 40; i++)
            {
                File.WriteAllText(mount.Combine($"old/{round}-{i}"), new string('x', i * 1000));
            }
            Freeze(mount);
            using var change = new Background("mkdir", mount.Combine($"new/{round}"));
            try
            {
                Assert.Equal("frozen", mount.Status("mode"));
                AssertStandsStill(image.Path);
                Assert.Equal("old", File.ReadAllText(mount.Combine("old/file")));
                Assert.Equal(39_000, new FileInfo(mount.Combine($"old/{round}-39")).Length);
                Assert.Equal(41 + (40 * round), Directory.GetFiles(mount.Combine("old")).Length);
                WaitFor(mount, 1);
                Assert.False(change.HasEnded);
                ToolResult second = Command.Run("freeze", mount.MountPoint);
                Assert.Equal(32, second.ExitCode);
                Assert.Contains("frozen already", second.Errors, StringComparison.Ordinal);
                image.AssertClean();
            }
            finally
            {
                Done(Command.Run("thaw", mount.MountPoint));
            }
            Assert.Equal(0, change.Finish().ExitCode);
            Assert.True(Directory.Exists(mount.Combine($"new/{round}")));
            Assert.Equal("read-write", mount.Status("mode"));
        }
        ToolResult thawed = Command.Run("thaw", mount.MountPoint);
        Assert.Equal(32, thawed.ExitCode);
        Assert.Contains("not frozen", thawed.Errors, StringComparison.Ordinal);
        mount.Unmount();
        image.AssertClean();
    }

    /// <summary>More wait than there are workers: they are put aside, so those who read are served.</summary>
    [Fact]
    public void However_many_wait_reads_are_served()
    {
        Require();
        const int waiters = 100;
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($"mkdir '{mount.Combine("read")}'; cd '{mount.Combine("read")}'; seq 300 | split -l 1; "
            + $"for i in $(seq {waiters}); do mkdir '{mount.Combine("d")}'$i; done");
        Freeze(mount);
        using var changes = new Background("bash", "-c",
            $"for i in $(seq {waiters}); do mkdir '{mount.Combine("d")}'$i/late & done; wait");
        try
        {
            WaitFor(mount, waiters);
            Tool.Shell($"echo 2 > /proc/sys/vm/drop_caches; cat '{mount.Combine("read")}'/* | wc -l | grep -x 300");
            image.AssertClean();
        }
        finally
        {
            Done(Command.Run("thaw", mount.MountPoint));
        }
        changes.Finish();
        Assert.Equal("0 requests", mount.Status("waiting"));
        Assert.Equal(waiters, Directory.GetDirectories(mount.MountPoint, "late", SearchOption.AllDirectories).Length);
        mount.Unmount();
        image.AssertClean();
    }

    /// <summary>Eight writers at work, each in an order that can be seen afterwards: the number of a name is durable in a log
    /// before the name is made, and the fiftieth name before goes. What a copy has is the state behind some of their
    /// steps, for the kernel's ext4 too.</summary>
    [Fact]
    public void Under_load_the_image_is_a_moment_in_the_writers_order()
    {
        Require();
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        Assert.SkipUnless(Host.Without("perl") is null, Host.Without("perl") ?? "");
        using var image = new TestImage("-t ext4", 256L << 20);
        using var mount = new ServedMount(image.Path, "rw");
        using var load = new OrderedWriters(mount.MountPoint, 8);
        string copy = image.Directory.Combine("copy");
        for (int round = 0; round < 3; round++)
        {
            load.AwaitProgress();
            Done(Command.Run("freeze", "--timeout", "3600", mount.MountPoint, "--", "cp", "--sparse=always", image.Path, copy));
            Assert.DoesNotContain("needs_recovery", Tool.Check("dumpe2fs", "-h", copy), StringComparison.Ordinal);
            E2fsck.AssertClean(copy);
            using (var kernel = new LoopMount(copy, "ro"))
            {
                load.Check(kernel.MountPoint);
            }
            File.Delete(copy);
        }
        load.AwaitProgress();
        load.Stop();
        mount.Unmount();
        image.AssertClean();
    }

    /// <summary>A thawed volume is in use again: whoever kills its server finds everything that was synced.</summary>
    [Fact]
    public void What_is_synced_after_a_thaw_outlives_the_server()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using (var mount = new ServedMount(image.Path, "rw"))
        {
            Freeze(mount);
            Done(Command.Run("thaw", mount.MountPoint));
            Tool.Shell($"echo kept > '{mount.Combine("file")}'; sync '{mount.Combine("file")}' '{mount.MountPoint}'");
            Assert.Contains("needs_recovery", Tool.Check("dumpe2fs", "-h", image.Path), StringComparison.Ordinal);
            Kill(mount);
        }
        E2fsck.RecoverAfterCrash(image.Path);
        Assert.EndsWith("kept\n", Debugfs.Read(image.Path, "cat /file"), StringComparison.Ordinal);
    }

    /// <summary>Killed while it is frozen: the image needs nothing, and has what was there at the freeze.</summary>
    [Fact]
    public void A_server_that_is_killed_while_frozen_leaves_a_clean_image()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using (var mount = new ServedMount(image.Path, "rw"))
        {
            File.WriteAllText(mount.Combine("before"), "before");
            Freeze(mount);
            using var change = new Background("mkdir", mount.Combine("late"));
            WaitFor(mount, 1);
            Kill(mount);
            Assert.NotEqual(0, change.Finish().ExitCode);
        }
        AssertStandsStill(image.Path);
        Assert.EndsWith("before", Debugfs.Read(image.Path, "cat /before"), StringComparison.Ordinal);
        Assert.DoesNotContain("late", Debugfs.Read(image.Path, "ls -l /"), StringComparison.Ordinal);
    }

    /// <summary>Files that are open without a name stay orphans, as with the kernel's freeze; nothing that is only closed or
    /// read meanwhile changes the image.</summary>
    [Fact]
    public void Closing_forgetting_reading_and_syncing_change_nothing()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,strictatime");
        string file = mount.Combine("file");
        File.WriteAllText(file, "read");
        string gone = mount.Combine("gone");
        using (FileStream stream = File.Create(gone))
        {
            stream.Write(new byte[300_000]);
            stream.Flush(flushToDisk: true);
            File.Delete(gone);
            Freeze(mount);
        }
        string before = Tool.Check("sha256sum", image.Path);
        string accessed = Tool.Check("stat", "-c", "%x", file);
        Tool.Shell($"cat '{file}'; tail -c 1 '{file}'; stat '{file}' > /dev/null; ls '{mount.MountPoint}'");
        Tool.Check("sync", "--file-system", mount.MountPoint);
        Tool.Check("sync", file);
        Done(Command.Run("sync", mount.MountPoint));
        Assert.Equal(accessed, Tool.Check("stat", "-c", "%x", file));
        Assert.Equal(before, Tool.Check("sha256sum", image.Path));
        Assert.Contains("0 requests", mount.Status("waiting"), StringComparison.Ordinal);
        Done(Command.Run("thaw", mount.MountPoint));
        mount.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void A_read_only_mount_is_frozen_as_it_is()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "ro");
        Freeze(mount);
        Assert.Equal("frozen", mount.Status("mode"));
        Assert.Equal(32, Command.Run("freeze", mount.MountPoint).ExitCode);
        Assert.True(Directory.Exists(mount.Combine("lost+found")));
        Done(Command.Run("thaw", mount.MountPoint));
        Assert.Equal("read-only", mount.Status("mode"));
    }

    /// <summary>Waits until so many requests wait.</summary>
    internal static void WaitFor(ServedMount mount, int waiting)
    {
        string expected = $"{waiting} requests";
        Assert.True(SpinWait.SpinUntil(() => mount.Status("waiting") == expected, s_patience), mount.Status("waiting"));
    }

    /// <summary>For longer than the test can last on any machine: disposing of the mount thaws.</summary>
    internal static void Freeze(ServedMount mount) => Done(Command.Run("freeze", "--timeout", "3600", mount.MountPoint));

    internal static void Done(ToolResult result) => Assert.True(result.ExitCode == 0, result.ToString());

    internal static void Require() => Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");

    /// <summary>kill -9.</summary>
    internal static void Kill(ServedMount mount)
    {
        Tool.Check("kill", "-KILL", mount.ServerProcess.ToString(CultureInfo.InvariantCulture));
        Assert.True(mount.ServerEnds());
        if (MountTable.Find(mount.MountPoint) is not null)
        {
            Tool.Check("umount", "--lazy", mount.MountPoint);
        }
    }

    /// <summary>Clean, without a journal that says more, and the same a moment later.</summary>
    private static void AssertStandsStill(string image)
    {
        E2fsck.AssertClean(image);
        string header = Tool.Check("dumpe2fs", "-h", image);
        Assert.DoesNotContain("needs_recovery", header, StringComparison.Ordinal);
        Assert.DoesNotContain("orphan_present", header, StringComparison.Ordinal);
        Assert.Matches("Filesystem state: *clean\n", header);
    }
}
