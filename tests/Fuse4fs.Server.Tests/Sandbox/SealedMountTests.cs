using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Server.Sandbox;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Sandbox;

/// <summary>Mounts whose servers are sealed: all threads are, and they serve as others do.</summary>
public sealed class SealedMountTests
{
    [Theory]
    [InlineData("")]
    [InlineData(",sandbox=strict")]
    public void Every_thread_has_given_everything_up(string option)
    {
        SkipUnlessPossible();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, $"rw{option}");
        Parallel.For(0, 40, number => File.WriteAllText(mount.Combine($"file{number}"), "x"));
        string[] threads = Directory.GetDirectories($"/proc/{mount.ServerProcess}/task");
        Assert.True(threads.Length > 3);
        foreach (string thread in threads)
        {
            string[] status = File.ReadAllLines(thread + "/status");
            Assert.Equal("0000000000000000", Field(status, "CapEff"));
            Assert.Equal("0000000000000000", Field(status, "CapPrm"));
            Assert.Equal("1", Field(status, "NoNewPrivs"));
            Assert.Equal("2", Field(status, "Seccomp"));
        }
        Assert.Contains(File.ReadAllLines($"/proc/{mount.ServerProcess}/limits"), line =>
            line.StartsWith("Max core file size", StringComparison.Ordinal)
            && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4..6] is ["0", "0"]);
        mount.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void Without_a_sandbox_nothing_is_given_up()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,sandbox=off");
        string[] status = File.ReadAllLines($"/proc/{mount.ServerProcess}/status");
        Assert.Equal("0", Field(status, "Seccomp"));
        Assert.Equal("0", Field(status, "NoNewPrivs"));
    }

    /// <summary>What would break the tools of who looks into a server is left out, and the log says why.</summary>
    [Fact]
    public void Who_traces_a_server_finds_it_open_unless_strictness_was_asked_for()
    {
        SkipUnlessPossible();
        using var image = new TestImage("-t ext4");
        using var directory = new TemporaryDirectory();
        string log = directory.Combine("log");
        Tool.Shell($"DOTNET_PerfMapEnabled=1 '{Command.Path}' --log-file '{log}' '{image.Path}' "
            + $"'{directory.CreateSubdirectory("mnt")}'");
        string mountPoint = directory.Combine("mnt");
        try
        {
            Assert.Contains("no sandbox: DOTNET_PerfMapEnabled is set", File.ReadAllText(log), StringComparison.Ordinal);
        }
        finally
        {
            Command.Run("umount", mountPoint);
        }
    }

    [Fact]
    public void A_word_that_is_no_mode_is_refused()
    {
        ToolResult result = Command.Run("-o", "sandbox=maybe", "image", "mnt");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("default, strict or off is expected", result.Errors, StringComparison.Ordinal);
    }

    /// <summary>What the server cannot do itself any more happens all the same, whoever ends it.</summary>
    [Theory]
    [InlineData("default", "kill -TERM {process}")]
    [InlineData("strict", "kill -TERM {process}")]
    [InlineData("strict", "umount '{dir}'")]
    public void A_sealed_server_leaves_nothing_behind(string mode, string how)
    {
        SkipUnlessPossible();
        using var image = new TestImage("-t ext4");
        using var directory = new TemporaryDirectory();
        string lockFile = directory.Combine("lock");
        string metrics = directory.Combine("metrics");
        using var mount = new ServedMount(image.Path, $"rw,sandbox={mode},lockfile={lockFile},metrics={metrics},metrics_interval=1");
        string socket = $"/run/fuse4fs/{mount.Entry.Device.Replace(':', '-')}.sock";
        Assert.True(File.Exists(lockFile));
        string ofSocket = IdentityOf(socket);
        Assert.NotEqual("", ofSocket);
        // Only the kernel has it: it is asked for when the mount ends.
        File.WriteAllText(mount.Combine("dirty"), "dirty");
        Tool.Shell(how.Replace("{dir}", mount.MountPoint, StringComparison.Ordinal)
            .Replace("{process}", mount.ServerProcess.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        Assert.True(mount.ServerEnds());
        Assert.Null(MountTable.Find(mount.MountPoint));
        Assert.False(File.Exists(lockFile));
        // The next mount may have the same number, and another socket of the same name.
        Assert.NotEqual(ofSocket, IdentityOf(socket));
        Assert.Contains("fuse4fs_requests_total{mount=\"" + mount.MountPoint + "\",kind=\"CREATE\"} 1",
            File.ReadAllLines(metrics));
        image.AssertClean();
        Assert.EndsWith("dirty", Debugfs.Read(image.Path, "cat /dirty"), StringComparison.Ordinal);
    }

    /// <summary>The helper has no other life than its server's.</summary>
    [Fact]
    public void A_killed_server_takes_its_helper_along()
    {
        SkipUnlessPossible();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        string[] helpers = Tool.Shell($"ps -o pid= --ppid {mount.ServerProcess}").Split('\n', StringSplitOptions.TrimEntries);
        string helper = Assert.Single(helpers, static line => line.Length > 0);
        Tool.Shell($"kill -KILL {mount.ServerProcess}");
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{helper}"), TimeSpan.FromSeconds(60)));
    }

    /// <summary>A busy mount is only detached, and the server ends with its last user.</summary>
    [Fact]
    public void A_sealed_server_serves_a_busy_mount_to_its_last_user()
    {
        SkipUnlessPossible();
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,sandbox=strict");
        using (FileStream open = File.Create(mount.Combine("open")))
        {
            Tool.Shell($"kill -TERM {mount.ServerProcess}");
            Assert.True(SpinWait.SpinUntil(() => MountTable.Find(mount.MountPoint) is null, TimeSpan.FromSeconds(60)));
            open.Write("late"u8);
        }
        Assert.True(mount.ServerEnds());
        image.AssertClean();
        Assert.EndsWith("late", Debugfs.Read(image.Path, "cat /open"), StringComparison.Ordinal);
    }

    /// <summary>What an ioctl's argument points to is reached by the helper, which looks who waits and for what.</summary>
    [Theory]
    [InlineData("default")]
    [InlineData("strict")]
    public void A_sealed_server_answers_what_does_not_fit_into_a_reply(string mode)
    {
        SkipUnlessPossible();
        Assert.SkipWhen(Host.Without("perl") is not null, "perl is not installed");
        using var image = new TestImage("-t ext4 -U 01234567-89ab-cdef-0123-456789abcdef");
        using var mount = new ServedMount(image.Path, $"rw,sandbox={mode}");
        const string ask = "perl -e 'my $b = pack(\"LLx16\", 16, 0); ioctl(STDIN, 0x8008662C, $b) or die; print unpack(\"x8H32\", $b)'";
        Assert.Equal("0123456789abcdef0123456789abcdef", Tool.Shell($"{ask} < '{mount.MountPoint}'").Trim());
        // EXT4_IOC_SHUTDOWN with a word that is none: only who reads it can refuse it.
        const string shutDown = "perl -e 'my $b = pack(\"L\", 77); print ioctl(STDIN, 0x8004587D, $b) ? 0 : $! + 0'";
        Assert.Equal("22", Tool.Shell($"{shutDown} < '{mount.MountPoint}'").Trim());
        mount.Unmount();
        image.AssertClean();
    }

    private static string IdentityOf(string file) => Tool.Shell($"stat -c '%i %w %z' '{file}' 2>/dev/null || :").Trim();

    private static string Field(string[] status, string name) =>
        status.Single(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    private static void SkipUnlessPossible()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Seal.WhyNotStrict() is null, Seal.WhyNotStrict() ?? "");
    }
}
