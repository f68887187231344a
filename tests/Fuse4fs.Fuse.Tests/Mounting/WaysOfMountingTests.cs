using System.Diagnostics;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Mounting;

/// <summary>As root, as nobody, as root of a user namespace, on a block device, on a descriptor somebody else opened.</summary>
public sealed class WaysOfMountingTests
{
    private const string OddName = @"a,b\c d";

    [Fact]
    public void Root_mounts_with_every_flag_in_the_table()
    {
        var options = new MountOptions { Source = OddName, Subtype = "odd", AllowOther = true, MaxReadBytes = 65536 };
        foreach (string word in "ro,noexec,noatime,suid,dev,nosymfollow".Split(','))
        {
            Assert.True(options.TryApply(word, out options));
        }
        using var mount = new TestMount(new HelloFileSystem(), HelloFileSystem.Wanted, options);
        MountEntry entry = MountTable.Find(mount.Path)!;
        Assert.Equal((OddName, "fuse.odd"), (entry.Source, entry.Type));
        string[] words = entry.Options.Split(',');
        Assert.Subset(words.ToHashSet(), "ro,noexec,noatime,allow_other,max_read=65536".Split(',').ToHashSet());
        Assert.DoesNotContain("nosuid", words);
        Assert.DoesNotContain("nodev", words);
    }

    /// <summary>Everybody may open /dev/fuse in the mount namespace of the test, as on most machines.</summary>
    [Theory]
    [InlineData("unshare --mount", "setpriv --reuid=65534 --regid=65534 --clear-groups", "fusermount3 -u")]
    [InlineData("unshare --mount", "unshare --user --map-root-user --mount", "umount")]
    public void Others_mount_too(string asRoot, string asSomebody, string unmount)
    {
        TestMount.SkipUnlessPossible();
        Assert.SkipUnless(TryShell($"{asRoot} {asSomebody} true"), $"not possible here: {asSomebody}");
        Assert.SkipUnless(TryShell("command -v fusermount3"), "no fusermount3 (package fuse3)");
        string program = CopyForEverybody();
        string mountPoint = TestMount.NewMountPoint();
        string script = program + ".sh";
        try
        {
            TestMount.Shell($"chmod 777 {mountPoint}");
            File.WriteAllText(script, $$"""
                cd /
                dotnet {{program}} hello {{mountPoint}} -o 'fsname=x\y,subtype=hey' &
                for i in $(seq 300); do grep -q ' {{mountPoint}} ' /proc/self/mountinfo && break; sleep 0.1; done
                cat {{mountPoint}}/hello.txt
                grep ' {{mountPoint}} ' /proc/self/mountinfo | sed 's/.* - //; s/ rw.*//'
                {{unmount}} {{mountPoint}} && wait && echo ended
                """);
            string device = Path.GetDirectoryName(program) + "/device";
            string output = TestMount.Shell($"""
                {asRoot} bash -c 'mknod -m 666 {device} c 10 229 && mount --bind {device} /dev/fuse \
                    && exec {asSomebody} bash {script}'
                """);
            string[] lines = output.Split('\n');
            Assert.Equal("Hello from a file system of a hundred lines.", lines[0]);
            Assert.Equal(@"fuse.hey x\134y", lines[1]);
            Assert.Contains("ended", lines);
            Assert.Null(MountTable.Find(mountPoint));
        }
        finally
        {
            TryShell($"umount -l {mountPoint}");
            Directory.Delete(mountPoint);
            Directory.Delete(Path.GetDirectoryName(program)!, recursive: true);
        }
    }

    [Fact]
    public void A_descriptor_somebody_else_opened_is_adopted()
    {
        TestMount.SkipUnlessPossible();
        string mountPoint = TestMount.NewMountPoint();
        Assert.Equal(Errno.Ok, FuseDevice.TryOpen(out FuseDevice? opened));
        try
        {
            string data = new MountOptions().ToKernelData(opened!.Descriptor.Number, 0x4000, 0, 0);
            Assert.Equal(0, LibC.Mount("adopted", mountPoint, "fuse", MountFlags.None, data));
            int number = opened.Descriptor.Number;
            opened.Descriptor.SetHandleAsInvalid(); // It is the adopter's now.
            FuseMount mount = FuseMount.Mount($"/dev/fd/{number}", new MountOptions());
            Assert.True(mount.IsAdopted);
            var options = new SessionOptions { Capabilities = new() { Flags = HelloFileSystem.Wanted } };
            using var session = new FuseSession(mount.Device, new HelloFileSystem(), options);
            session.Start();
            Assert.StartsWith("Hello", File.ReadAllText(Path.Combine(mountPoint, "hello.txt")), StringComparison.Ordinal);
            Assert.Equal(Errno.Invalid, mount.Unmount(lazily: true));
            Assert.Equal(Errno.Ok, FuseMount.Unmount(mountPoint, lazily: false));
            Assert.True(session.WaitForEnd(TimeSpan.FromSeconds(60)));
        }
        finally
        {
            TryShell($"umount -l {mountPoint}");
            Directory.Delete(mountPoint);
        }
    }

    [Fact]
    public void A_descriptor_that_is_something_else_is_refused()
    {
        using FileStream file = File.OpenRead("/dev/null");
        string place = $"/dev/fd/{file.SafeFileHandle.DangerousGetHandle()}";
        Assert.Equal(Errno.BadDescriptor, Assert.Throws<FuseException>(() => FuseMount.Mount(place, new())).Error);
    }

    [Fact]
    public void Fuseblk_waits_at_sync_and_at_unmount()
    {
        TestMount.SkipUnlessPossible();
        string image = Path.GetTempFileName();
        string device = "";
        try
        {
            TestMount.Shell($"truncate -s 1M {image}");
            Assert.SkipUnless(TryShell($"losetup --find --show {image} > {image}.device"), "no loop devices");
            device = File.ReadAllText(image + ".device").Trim();
            using var tree = new NullFileSystem(new NullOptions());
            bool destroyed = false;
            int syncs = 0;
            var handler = new WrappingHandler(tree)
            {
                Before = (in InHeader header, ref ReplyWriter _) =>
                {
                    destroyed |= header.Opcode == Opcode.Destroy;
                    syncs += header.Opcode == Opcode.SyncFs ? 1 : 0;
                    return false;
                },
            };
            var options = new MountOptions { Source = device, Subtype = "test", FuseBlock = true, BlockSizeBytes = 4096 };
            using var mount = new TestMount(handler, NullFileSystem.Wanted, options);
            MountEntry entry = MountTable.Find(mount.Path)!;
            Assert.Equal((device, "fuseblk.test"), (entry.Source, entry.Type));
            TestMount.Shell($"touch {mount.Path}/file; sync -f {mount.Path}");
            Assert.Equal(1, syncs);
            TestMount.Shell($"umount {mount.Path}");
            Assert.True(destroyed);
        }
        finally
        {
            if (device.Length > 0)
            {
                TestMount.Shell($"losetup -d {device}");
            }
            File.Delete(image);
            File.Delete(image + ".device");
        }
    }

    [Theory]
    [InlineData("/nonexistent/place", Errno.NoEntry, "does not exist")]
    [InlineData("/dev/null", Errno.NotDirectory, "not a directory")]
    public void A_mount_point_that_cannot_be_is_explained(string mountPoint, Errno error, string words)
    {
        FuseException problem = Assert.Throws<FuseException>(() => FuseMount.Mount(mountPoint, new MountOptions()));
        Assert.Equal(error, problem.Error);
        Assert.Contains(words, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_unmounts_and_a_killed_server_leaves_a_mount_that_can_be_removed()
    {
        TestMount.SkipUnlessPossible();
        string mountPoint = TestMount.NewMountPoint();
        string program = typeof(HelloFileSystem).Assembly.Location;
        try
        {
            string output = TestMount.Shell($$"""
                serve() {
                    dotnet {{program}} null {{mountPoint}} > /dev/null 2>&1 & pid=$!
                    for i in $(seq 300); do grep -q " {{mountPoint}} " /proc/self/mountinfo && break; sleep 0.1; done
                    touch {{mountPoint}}/file
                }
                serve; kill -TERM $pid; wait $pid; echo "ended $?"
                grep -c " {{mountPoint}} " /proc/self/mountinfo
                serve; kill -KILL $pid; wait $pid 2>/dev/null
                stat {{mountPoint}}/file 2>&1 | grep -c 'not connected'
                umount {{mountPoint}} && echo gone
                """);
            Assert.Equal(["ended 0", "0", "1", "gone"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            TryShell($"umount -l {mountPoint}");
            Directory.Delete(mountPoint);
        }
    }

    [Fact]
    public void Read_ahead_can_be_raised()
    {
        var content = new NullOptions { Directories = 1, FilesPerDirectory = 1, FileBytes = 64 << 20 };
        using var tree = new NullFileSystem(content);
        using var mount = new TestMount(tree, NullFileSystem.Wanted);
        BackingDevice? backing = BackingDevice.Find(mount.Path);
        Assert.SkipUnless(backing is not null, "no /sys/class/bdi");
        Errno error = backing!.SetReadAhead(1024);
        Assert.SkipUnless(error == Errno.Ok, $"read_ahead_kb cannot be written here: {error}");
        Assert.Equal(Errno.Ok, backing.SetMaxDirtyRatio(20));
        TestMount.Shell($"cat {mount.Path}/d0/f0 | wc -c");
        Assert.InRange(mount.Requests(Opcode.Read), 64, 100);
    }

    /// <summary>Where the test was built only root may look.</summary>
    private static string CopyForEverybody()
    {
        string from = Path.GetDirectoryName(typeof(HelloFileSystem).Assembly.Location)!;
        string to = TestMount.NewMountPoint();
        TestMount.Shell($"cp {from}/*.dll {from}/Fuse4fs.Samples.runtimeconfig.json {to} && chmod -R a+rX {to}");
        return Path.Combine(to, "Fuse4fs.Samples.dll");
    }

    private static bool TryShell(string command)
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        return shell.ExitCode == 0;
    }
}
