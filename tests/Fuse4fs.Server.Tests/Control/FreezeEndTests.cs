using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Control;
using Fuse4fs.Testing;
using static Fuse4fs.Server.Tests.Control.FreezeTests;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>Every way in which a freeze can end, and in which somebody who waits for its end can.</summary>
public sealed class FreezeEndTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Fact]
    public void Its_time_is_over()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Done(Command.Run("freeze", "--timeout", "1", mount.MountPoint));
        Directory.CreateDirectory(mount.Combine("waited"));
        Assert.Equal("read-write", mount.Status("mode"));
        ToolResult late = Command.Run("freeze", "--timeout", "1", mount.MountPoint, "--", "sh", "-c",
            $"mkdir '{mount.Combine("by itself")}'; exit 3");
        Assert.Equal(32, late.ExitCode);
        Assert.Contains("thawed meanwhile", late.Errors, StringComparison.Ordinal);
        Assert.True(Directory.Exists(mount.Combine("by itself")));
        Assert.Equal(1, Command.Run("freeze", "--timeout", "0", mount.MountPoint).ExitCode);
        Assert.Equal(3, Command.Run("freeze", mount.MountPoint, "--", "sh", "-c", "exit 3").ExitCode);
        Assert.Equal(32, Command.Run("freeze", mount.MountPoint, "--", "/no/such/program").ExitCode);
        Assert.Equal("read-write", mount.Status("mode"));
    }

    [Theory]
    [InlineData("-KILL")]
    [InlineData("-INT")]
    [InlineData("-TERM")]
    public void Whoever_holds_it_is_gone(string signal)
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        using (var holder = new Background(Command.Path, "freeze", "--timeout", "3600", mount.MountPoint, "--",
            "sh", "-c", "exec sleep 600 > /dev/null 2> /dev/null"))
        {
            Assert.True(SpinWait.SpinUntil(() => mount.Status("mode") == "frozen", s_patience));
            string child = "";
            Assert.True(SpinWait.SpinUntil(
                () => (child = Tool.Run("pgrep", "--parent", $"{holder.Id}").Output.Trim()).Length > 0, s_patience));
            holder.Signal(signal);
            holder.Finish();
            Tool.Run("kill", child);
        }
        Assert.True(SpinWait.SpinUntil(() => mount.Status("mode") == "read-write", s_patience));
        Directory.CreateDirectory(mount.Combine("after"));
    }

    [Fact]
    public void A_connection_that_ends_takes_its_own_freeze_with_it_and_no_other()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        using (ControlClient first = ControlClient.Connect(mount.MountPoint, out _)!)
        using (ControlClient second = ControlClient.Connect(mount.MountPoint, out _)!)
        {
            var freeze = new ControlRequest { Verb = ControlVerb.Freeze, Seconds = 600 };
            Assert.Equal(Errno.Ok, first.Ask(new ControlRequest { Verb = ControlVerb.Prepare }).Error);
            Assert.Equal(Errno.Busy, second.Ask(freeze).Error);
            Assert.Equal(Errno.Ok, first.FreezeForCopy(600, out FileDescriptor? passed).Error);
            using (passed)
            {
                Assert.Equal(Errno.Ok, LibC.Status(passed!, out FileStatus status));
                Assert.Equal(new FileInfo(image.Path).Length, (long)status.SizeBytes);
            }
            Assert.Equal(Errno.Busy, second.Ask(freeze).Error);
            Assert.Equal(Errno.Invalid, second.Ask(new ControlRequest { Verb = ControlVerb.Renew, Seconds = 5 }).Error);
            Assert.Equal(Errno.Invalid, second.Ask(new ControlRequest { Verb = ControlVerb.Keep }).Error);
            Assert.Equal(Errno.Invalid, second.Ask(freeze with { Seconds = int.MaxValue }).Error);
            Assert.Equal(Errno.Ok, second.Ask(new ControlRequest { Verb = ControlVerb.Thaw }).Error);
            Assert.Equal(Errno.Ok, second.Ask(freeze).Error);
            // The first one's is over: it can neither move nor end the second one's.
            Assert.Equal(Errno.Invalid, first.Ask(new ControlRequest { Verb = ControlVerb.Renew, Seconds = 5 }).Error);
            Assert.Equal(Errno.Invalid, first.Ask(new ControlRequest { Verb = ControlVerb.Thaw }).Error);
            first.Dispose();
            Assert.Equal("frozen", mount.Status("mode"));
        }
        Assert.True(SpinWait.SpinUntil(() => mount.Status("mode") == "read-write", s_patience));
        Directory.CreateDirectory(mount.Combine("after"));
    }

    /// <summary>Killed it ends at once and nothing is done; a signal that it deals with does not end its waiting.</summary>
    [Fact]
    public void Whoever_waits_can_be_killed_and_goes_on_after_other_signals()
    {
        Require();
        Assert.SkipUnless(Host.Without("perl") is null, Host.Without("perl") ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($"mkdir '{mount.Combine("a")}' '{mount.Combine("b")}'");
        Freeze(mount);
        using var killed = new Background("mkdir", mount.Combine("a/never"));
        using var signalled = new Background("perl", "-e",
            "my $n = 0; $SIG{USR1} = sub { $n++ }; mkdir $ARGV[0] or print \"$!\\n\"; print \"$n\"", mount.Combine("b/later"));
        WaitFor(mount, 2);
        signalled.Signal("-USR1");
        killed.Signal("-TERM");
        Assert.Equal(128 + 15, killed.Finish().ExitCode);
        WaitFor(mount, 1);
        Assert.False(signalled.HasEnded);
        Done(Command.Run("thaw", mount.MountPoint));
        Assert.Equal("1", signalled.Finish().Output);
        Assert.False(Directory.Exists(mount.Combine("a/never")));
        Assert.True(Directory.Exists(mount.Combine("b/later")));
    }

    [Theory]
    [InlineData("kill -TERM {process}")]
    [InlineData("{command} umount '{dir}'")]
    public void Who_ends_a_frozen_mount_thaws_it(string how)
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Freeze(mount);
        using var change = new Background("bash", "-c", $"echo late > '{mount.Combine("late")}'");
        WaitFor(mount, 1);
        Tool.Run("bash", "-c", how.Replace("{dir}", mount.MountPoint, StringComparison.Ordinal)
            .Replace("{command}", Command.Path, StringComparison.Ordinal)
            .Replace("{process}", mount.ServerProcess.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        Assert.Equal(0, change.Finish().ExitCode);
        for (int attempt = 0; attempt < 50 && MountTable.Find(mount.MountPoint) is not null; attempt++)
        {
            // It was in use when it was asked, or a program that another test starts holds a copy of a descriptor.
            Thread.Sleep(200);
            Command.Run("umount", mount.MountPoint);
        }
        Assert.True(mount.ServerEnds());
        image.AssertClean();
        Assert.EndsWith("late\n", Debugfs.Read(image.Path, "cat /late"), StringComparison.Ordinal);
    }

    /// <summary>umount(2) knows nothing of the freeze. With nothing left to be written back it returns.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_frozen_mount_can_be_unmounted_by_anybody(bool isDevice)
    {
        Require();
        using var image = new TestImage("-t ext4");
        using LoopDevice? loop = isDevice ? new LoopDevice(image.Path) : null;
        using (var mount = new ServedMount(loop?.Path ?? image.Path, "rw"))
        {
            File.WriteAllText(mount.Combine("file"), "kept");
            Freeze(mount);
            ToolResult result = Tool.Run("timeout", "300", "umount", "--internal-only", mount.MountPoint);
            for (int attempt = 0; attempt < 50 && result.ExitCode == 32; attempt++)
            {
                // A program that another test starts holds a copy of every descriptor from its fork to its exec.
                Thread.Sleep(200);
                result = Tool.Run("timeout", "300", "umount", "--internal-only", mount.MountPoint);
            }
            Done(result);
            Assert.True(mount.ServerEnds());
        }
        E2fsck.AssertClean(loop?.Path ?? image.Path);
        Assert.EndsWith("kept", Debugfs.Read(loop?.Path ?? image.Path, "cat /file"), StringComparison.Ordinal);
    }

    [Fact]
    public void Shutdown_ends_it_and_whoever_waits_gets_an_error()
    {
        Require();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Freeze(mount);
        using var change = new Background("mkdir", mount.Combine("late"));
        WaitFor(mount, 1);
        Done(Command.Run("shutdown", mount.MountPoint));
        Assert.NotEqual(0, change.Finish().ExitCode);
        Assert.Equal("shut down", mount.Status("mode"));
        Assert.Equal(32, Command.Run("freeze", mount.MountPoint).ExitCode);
    }
}
