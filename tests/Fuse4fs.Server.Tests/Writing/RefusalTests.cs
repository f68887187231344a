using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>What kernel ext4 refuses on immutable and append-only files is refused here, although the kernel's FUSE keeps
/// those flags from its own checks and hands in what its cache kept in the same words as what a user asks for.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("touch -m f")]
    [InlineData("touch f")]
    [InlineData("touch -a f")]
    [InlineData("touch -m -d @1000000000 f")]
    [InlineData("touch -a -d @1000000000 f")]
    [InlineData("exec 3< f; touch -m -d @1000000000 /proc/self/fd/3")]
    [InlineData("chmod 600 f")]
    [InlineData("chown 5 f")]
    [InlineData("truncate -s 0 f")]
    [InlineData("fallocate -l 1M f")]
    [InlineData("setfattr -n user.a -v b f")]
    [InlineData("ln f g")]
    [InlineData("mv f g")]
    [InlineData("rm -f f")]
    public void Protected_files_are_as_well_protected_as_by_kernel_ext4(string command)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using var image = new TestImage("-t ext4");
        using TestImage kernels = image.Copy();
        using var kernel = new LoopMount(kernels.Path);
        using var ours = new FuseMount(image.Path, "rw");
        foreach (string flag in (string[])["i", "a"])
        {
            Assert.Equal(flag + Outcome(kernel.MountPoint, flag, command), flag + Outcome(ours.MountPoint, flag, command));
        }
        ours.Unmount();
        image.AssertClean();
    }

    /// <summary>What was written before a file became immutable is not lost, and is no error.</summary>
    [Fact]
    public void Times_of_data_written_before_are_kept()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new FuseMount(image.Path, "rw");
        Tool.Shell($"cd '{mount.MountPoint}'; exec 3> f; echo data >&3; chattr +i f; sync f; exec 3>&-; sync f");
        string times = Tool.Check("stat", "-c", "%Y", mount.Combine("f"));
        mount.Unmount();
        image.AssertClean();
        string seconds = times.Trim();
        Assert.Contains($"mtime: 0x{long.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture):x8}",
            Debugfs.Read(image.Path, "stat /f"), StringComparison.Ordinal);
    }

    private static string Outcome(string root, string flag, string command)
    {
        Tool.Shell($"cd '{root}'; echo data > f; chattr +{flag} f");
        ToolResult result = Tool.Run("bash", "-c", $"cd '{root}'; {command}");
        Tool.Shell($"cd '{root}'; chattr -{flag} f 2>/dev/null || true; chattr -{flag} g 2>/dev/null || true; rm -f f g");
        return $" {command}: {result.ExitCode} {result.Errors}";
    }
}
