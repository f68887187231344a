using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Damage;

/// <summary>Damage met on a writable mount is written into the superblock as kernel ext4 does, and errors= is honoured.
/// </summary>
public sealed class ErrorsTests
{
    private static readonly string[] s_comparedKeys =
    [
        "Filesystem state", "FS Error count", "First error inode #", "First error err", "Last error inode #",
        "Last error err",
    ];

    public static TheoryData<string> Damages => ["directory", "inode"];

    [Theory]
    [MemberData(nameof(Damages))]
    public void Damage_is_recorded_as_kernel_ext4_records_it(string what)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var ours = new DamagedImage();
        (string path, long concerned) = Harm(ours, what);
        using DamagedImage kernels = ours.Copy();
        using (var mount = new LoopMount(kernels.Image.Path, "errors=continue"))
        {
            Assert.NotEqual(0, Tool.Run("stat", mount.Combine(path)).ExitCode);
            File.WriteAllText(mount.Combine("new"), "still writable");
            mount.Unmount();
        }
        using (var mount = new ServedMount(ours.Image.Path, "rw,errors=continue"))
        {
            Assert.NotEqual(0, Tool.Run("stat", mount.Combine(path)).ExitCode);
            File.WriteAllText(mount.Combine("new"), "still writable");
            mount.Unmount();
        }
        foreach (string key in s_comparedKeys)
        {
            Assert.Equal(key + ": " + kernels.Header(key), key + ": " + ours.Header(key));
        }
        Assert.Equal("clean with errors", ours.Header("Filesystem state"));
        Assert.Equal($"{concerned}", ours.Header("First error inode #"));
        Assert.NotEqual("", ours.Header("First error function"));
        Assert.NotEqual("", ours.Header("First error line #"));
        Assert.NotEqual("", ours.Header("Last error time"));
        Assert.Equal(Complaints(kernels), Complaints(ours));
    }

    [Theory]
    [InlineData("rw,errors=remount-ro", "continue")]
    [InlineData("rw", "remount-ro")]
    public void Remount_ro_ends_all_changes(string options, string inSuperblock)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new DamagedImage("-e " + inSuperblock);
        (string path, _) = Harm(image, "directory");
        using (var mount = new ServedMount(image.Image.Path, options))
        {
            File.WriteAllText(mount.Combine("before"), "x");
            Assert.NotEqual(0, Tool.Run("stat", mount.Combine(path)).ExitCode);
            ToolResult refused = Tool.Run("mkdir", mount.Combine("after"));
            Assert.Contains("Read-only file system", refused.Errors, StringComparison.Ordinal);
            Assert.Equal("contents", File.ReadAllText(mount.Combine("g")));
            Assert.Equal("read-only after an error", mount.Status("mode"));
            mount.Unmount();
        }
        Assert.Equal("1", image.Header("FS Error count"));
        Assert.Contains("with errors", image.Header("Filesystem state"), StringComparison.Ordinal);
        // The journal stays to be replayed; then only the damage is left.
        ToolResult repair = Tool.Run("e2fsck", "-fy", image.Image.Path);
        Assert.Equal(1, repair.ExitCode);
        image.Image.AssertClean();
        Assert.DoesNotContain("after", Debugfs.Read(image.Image.Path, "ls /"), StringComparison.Ordinal);
    }

    [Fact]
    public void Panic_ends_the_server_after_the_damage_is_recorded()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new DamagedImage();
        (string path, _) = Harm(image, "inode");
        using var mount = new ServedMount(image.Image.Path, "rw,errors=panic");
        using (File.OpenRead(mount.Combine("g")))
        {
            Assert.NotEqual(0, Tool.Run("stat", mount.Combine(path)).ExitCode);
            Assert.True(mount.ServerEnds());
        }
        Assert.True(SpinWait.SpinUntil(() => MountTable.Find(mount.MountPoint) is null, TimeSpan.FromSeconds(60)));
        Assert.Equal("1", image.Header("FS Error count"));
        Assert.Contains("with errors", image.Header("Filesystem state"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_only_mount_records_nothing()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new DamagedImage();
        (string path, _) = Harm(image, "directory");
        string hash = image.Image.Hash();
        using (var mount = new ServedMount(image.Image.Path, "ro,errors=panic"))
        {
            Assert.NotEqual(0, Tool.Run("stat", mount.Combine(path)).ExitCode);
            Assert.NotEqual(0, Tool.Run("stat", mount.Combine(path)).ExitCode);
            Assert.Equal("contents", File.ReadAllText(mount.Combine("g")));
            mount.Unmount();
        }
        Assert.Equal(hash, image.Image.Hash());
    }

    /// <returns>What to look at in order to meet the damage, and the number of the inode concerned.</returns>
    private static (string Path, long Concerned) Harm(DamagedImage image, string what)
    {
        long concerned = image.InodeOf(what == "inode" ? "/f" : "/d");
        if (what == "inode")
        {
            image.DamageInode("/f");
            return ("f", concerned);
        }
        image.DamageDirectory("/d");
        return ("d/file-with-a-name-3", concerned);
    }

    /// <summary>What e2fsck finds, without what names the image or counts its space.</summary>
    private static string Complaints(DamagedImage image) => string.Join('\n', Tool.Run("e2fsck", "-fn", image.Image.Path)
        .Output.Split('\n').Where(line => !line.Contains(image.Image.Path, StringComparison.Ordinal)));
}
