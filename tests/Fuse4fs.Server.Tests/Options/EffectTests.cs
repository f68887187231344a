using System.Buffers.Binary;
using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Options;

/// <summary>Options do what they say, and a mount leaves the same traces in the superblock as one by the kernel.
/// </summary>
public sealed class EffectTests
{
    private const string Group = "1234";

    [Theory]
    [InlineData("grpid", "")]
    [InlineData("nogrpid", "")]
    [InlineData("rw", "bsdgroups")]
    public void New_files_take_the_group_that_kernel_ext4_gives_them(string option, string byDefault)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var ours = new TestImage("-t ext4");
        if (byDefault.Length > 0)
        {
            Tool.Check("tune2fs", "-o", byDefault, ours.Path);
        }
        using TestImage kernels = ours.Copy();
        string expected;
        using (var mount = new LoopMount(kernels.Path, option))
        {
            expected = MakeFiles(mount.MountPoint);
            mount.Unmount();
        }
        using (var mount = new ServedMount(ours.Path, "rw," + option))
        {
            Assert.Equal(expected, MakeFiles(mount.MountPoint));
            mount.Unmount();
        }
        ours.AssertClean();
    }

    [Theory]
    [InlineData("discard", true)]
    [InlineData("nodiscard", false)]
    public void Freed_blocks_are_discarded_when_that_is_wanted(string option, bool isDiscarded)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using (var mount = new ServedMount(image.Path, "rw," + option))
        {
            byte[] data = new byte[16 << 20];
            new Random(3).NextBytes(data);
            File.WriteAllBytes(mount.Combine("big"), data);
            Tool.Check("sync", mount.Combine("big"));
            Assert.Equal(0, Command.Run("sync", mount.MountPoint).ExitCode);
            long before = Sectors(image);
            Assert.True(before > 16 << 11, $"{before} sectors hold 16 MiB");
            File.Delete(mount.Combine("big"));
            Assert.Equal(0, Command.Run("sync", mount.MountPoint).ExitCode);
            bool shrinks = SpinWait.SpinUntil(() => Sectors(image) < before - (15 << 11),
                isDiscarded ? TimeSpan.FromSeconds(60) : TimeSpan.FromSeconds(2));
            Assert.Equal(isDiscarded, shrinks);
            mount.Unmount();
        }
        image.AssertClean();
    }

    [Fact]
    public void Long_runs_begin_on_a_stripe()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4 -b 4096", 256L << 20);
        using (var mount = new ServedMount(image.Path, "rw,stripe=96"))
        {
            File.WriteAllText(mount.Combine("small"), "moves the next free block to an odd place");
            Tool.Check("fallocate", "-l", "4M", mount.Combine("long"));
            mount.Unmount();
        }
        long first = long.Parse(Debugfs.Read(image.Path, "bmap /long 0").Split('\n')[^2].Split(' ')[0],
            CultureInfo.InvariantCulture);
        Assert.True(first % 96 == 0, $"the file begins at block {first}");
        image.AssertClean();
    }

    [Fact]
    public void Timing_tells_at_the_end_what_was_asked_for()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new FuseMount(image.Path, "rw,timing");
        Directory.CreateDirectory(mount.Combine("d"));
        mount.Unmount();
        Assert.Matches(@"MKDIR""?: 1 requests", mount.Output);
    }

    [Fact]
    public void A_mount_is_remembered_as_kernel_ext4_remembers_it()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var ours = new TestImage("-t ext4");
        Tool.Check("tune2fs", "-C", "7", "-c", "0", ours.Path);
        using TestImage kernels = ours.Copy();
        long lifetime = Lifetime(ours);
        byte[] data = new byte[8 << 20];
        new Random(4).NextBytes(data);
        string kernelPlace, place;
        using (var mount = new LoopMount(kernels.Path))
        {
            kernelPlace = mount.MountPoint;
            File.WriteAllBytes(mount.Combine("f"), data);
            mount.Unmount();
        }
        using (var mount = new ServedMount(ours.Path, "rw"))
        {
            place = mount.MountPoint;
            File.WriteAllBytes(mount.Combine("f"), data);
            mount.Unmount();
        }
        Assert.Equal(kernelPlace, Header(kernels, "Last mounted on"));
        Assert.Equal(place, Header(ours, "Last mounted on"));
        foreach (string key in (string[])["Mount count", "Maximum mount count", "Filesystem state"])
        {
            Assert.Equal(key + Header(kernels, key), key + Header(ours, key));
        }
        Assert.NotEqual("n/a", Header(ours, "Last mount time"));
        long written = Lifetime(ours) - lifetime;
        Assert.InRange(written, 8 << 10, 32 << 10);
        Assert.InRange(Lifetime(kernels) - lifetime, 8 << 10, 32 << 10);
    }

    private static string MakeFiles(string root)
    {
        string directory = Path.Combine(root, "d");
        Directory.CreateDirectory(directory);
        Tool.Check("chgrp", Group, directory);
        string setGroupId = Path.Combine(root, "s");
        Directory.CreateDirectory(setGroupId);
        Tool.Check("chgrp", Group, setGroupId);
        Tool.Check("chmod", "2755", setGroupId);
        foreach (string parent in (string[])[directory, setGroupId])
        {
            File.WriteAllText(Path.Combine(parent, "file"), "x");
            Directory.CreateDirectory(Path.Combine(parent, "sub"));
        }
        return Tool.Shell($"cd '{root}'; stat -c '%n %g %a' d/* s/*");
    }

    private static long Sectors(TestImage image) =>
        long.Parse(Tool.Check("stat", "-c", "%b", image.Path), CultureInfo.InvariantCulture);

    /// <summary>s_kbytes_written.</summary>
    private static long Lifetime(TestImage image)
    {
        using FileStream stream = File.OpenRead(image.Path);
        stream.Position = 1024 + 0x178;
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadInt64LittleEndian(bytes);
    }

    private static string Header(TestImage image, string key) => Tool.Check("dumpe2fs", "-h", image.Path).Split('\n')
        .FirstOrDefault(line => line.StartsWith(key + ":", StringComparison.Ordinal))?[(key.Length + 1)..].Trim() ?? "";
}
