using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Xattrs;

/// <summary>Inodes whose attributes are in the way of fields that the volume wants now: what the kernel moves is
/// moved.</summary>
public sealed class GrowingFieldsTests
{
    private const int Files = 12;

    /// <summary>Of each file one attribute more than of the one before, from none to a tail that is full; the last ones have
    /// a block as well, the last of all a full one.</summary>
    private const string Maker = """
        cd "$1"; value=aa
        for file in 0 1 2 3 4 5 6 7 8 9 10 11; do
            echo data > f$file
            for (( i = 0; i < file; i++ )); do setfattr -n user.$i -v aa f$file; done
        done
        for (( i = 0; i < 200; i++ )); do setfattr -n user.more$i -v aa f11 2>/dev/null || break; done
        """;

    [Theory]
    [InlineData(720, 656)]
    [InlineData(720, 640)]
    [InlineData(800, 800)]
    public void They_grow_as_on_the_kernels_ext4(int wanted, int needed)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var kernels = new TestImage("-t ext4 -b 4096 -I 1024", 64L << 20);
        Want(kernels.Path, 640, 640);
        using (var mount = new LoopMount(kernels.Path, "rw"))
        {
            ToolResult made = Tool.Run("bash", "-c", Maker, "maker", mount.MountPoint);
            Assert.True(made.ExitCode == 0, made.ToString());
            mount.Unmount();
        }
        Want(kernels.Path, wanted, needed);
        using TestImage ours = kernels.Copy();
        using (var mount = new LoopMount(kernels.Path, "rw"))
        {
            for (int i = 0; i < Files; i++)
            {
                File.AppendAllText(Path.Combine(mount.MountPoint, $"f{i}"), "more");
            }
            mount.Unmount();
        }
        using (Volume volume = Volume.Open(VolumeOpening.Device(ours.Path, isReadOnly: false), new VolumeOptions()))
        {
            for (int i = 0; i < Files; i++)
            {
                Assert.Equal(Errno.Ok, volume.Lookup(
                    InodeNumber.Root, System.Text.Encoding.ASCII.GetBytes($"f{i}"), out InodeNumber number));
                Assert.Equal(Errno.Ok, volume.Write(number, 5, "more"u8, default, out _));
            }
        }
        ours.AssertClean();
        Assert.Equal(Sizes(kernels.Path), Sizes(ours.Path));
        Assert.Equal(Attributes(kernels.Path), Attributes(ours.Path));
    }

    private static void Want(string path, int wanted, int needed)
    {
        Tool.Check("debugfs", "-w", "-R", $"ssv want_extra_isize {wanted}", path);
        Tool.Check("debugfs", "-w", "-R", $"ssv min_extra_isize {needed}", path);
    }

    private static List<string> Sizes(string path) => [.. Enumerable.Range(0, Files).Select(i =>
        $"f{i}: " + Debugfs.Read(path, $"stat /f{i}").Split('\n').First(static line => line.Contains("extra inode fields")))];

    private static string Attributes(string path)
    {
        using var mount = new LoopMount(path, "ro");
        return Tool.Check("bash", "-c", $"cd {mount.MountPoint}; for f in f*; do getfattr -d $f | sort; cat $f; done");
    }
}
