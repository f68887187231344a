using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Times that the mount shows are those on disk: the kernel keeps a regular file's, and hands them in.</summary>
public sealed class KeptTimesTests
{
    /// <summary>An inode of 128 bytes holds whole seconds, and the mount shows no others meanwhile.</summary>
    [Theory]
    [InlineData("-t ext4 -I 128", true)]
    [InlineData("-t ext4 -I 256", false)]
    public void Times_are_as_fine_as_inodes_hold_them(string options, bool isWhole)
    {
        Assert.SkipWhen(Host.NoRootFuse is not null, Host.NoRootFuse ?? "");
        using var image = new TestImage(options, 32L << 20);
        using (var mount = new FuseMount(image.Path, "rw"))
        {
            ToolResult result = Tool.Run("bash", "-c",
                $"cd {mount.MountPoint}; echo data > f; touch -d '2001-02-03 04:05:06.789' t; mkdir d; "
                + "stat -c '%.9X %.9Y %.9Z' f t d");
            Assert.True(result.ExitCode == 0, result.ToString());
            string[] times = result.Output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(9, times.Length);
            Assert.Equal(isWhole, times.All(static time => time.EndsWith(".000000000", StringComparison.Ordinal)));
            mount.Unmount();
        }
        image.AssertClean();
    }

    [Theory]
    [InlineData("fallocate -l 20000 f")]
    [InlineData("fallocate -n -l 90000 f")]
    [InlineData("fallocate -p -o 1000 -l 5000 f")]
    [InlineData("fallocate -z -o 0 -l 5000 f")]
    [InlineData("truncate -s 12345 f; truncate -s 12345 f")]
    [InlineData("sleep 0.1; python3 -c 'import os; os.truncate(\"f\", 12345)'")]
    [InlineData("cp --reflink=never f g; cp f h; cat f >> g")]
    [InlineData(": > f")]
    [InlineData("setfattr -n user.a -v b f; chmod 600 f; ln f l; mv f m; chown 5:6 m")]
    [InlineData("setcap cap_net_raw+ep f; sleep 0.1; echo more >> f")]
    [InlineData("python3 -c 'import os; d = os.open(\"f\", os.O_RDWR); os.write(d, b\"x\"); "
        + "os.copy_file_range(d, d, 100, 0, 3000); os.posix_fallocate(d, 0, 100); os.ftruncate(d, 7)'")]
    public void Shown_times_are_there_at_the_next_mount(string script)
    {
        Assert.SkipWhen(Host.NoRootFuse is not null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4", 32L << 20);
        const string look = "for i in 1 2 3 4 5 6; do (cd $i; stat -c '%n %.9Y %.9Z %s' * | sort); done";
        string shown;
        using (var mount = new FuseMount(image.Path, "rw"))
        {
            ToolResult result = Tool.Run("bash", "-c",
                $"cd {mount.MountPoint}; head -c 12345 /dev/zero > f; sync f; for i in 1 2 3 4 5 6; do "
                + $"mkdir -p $i; cp f $i/f; (cd $i; {script}) & done; wait; {look}");
            Assert.True(result.ExitCode == 0, result.ToString());
            shown = result.Output;
            mount.Unmount();
        }
        using (var mount = new FuseMount(image.Path, "ro"))
        {
            ToolResult result = Tool.Run("bash", "-c", $"cd {mount.MountPoint}; {look}");
            Assert.Equal(shown, result.Output);
            mount.Unmount();
        }
        image.AssertClean();
    }
}
