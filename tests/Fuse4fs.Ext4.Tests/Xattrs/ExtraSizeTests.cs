using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Xattrs;

/// <summary>Inodes with fewer fields than the volume wants, as older implementations made them: debugfs makes them here.
/// They get the missing fields when they are written, and keep their attributes; e2fsck and kernel ext4 judge.</summary>
public sealed class ExtraSizeTests
{
    private const string WithProjects = "-t ext4 -b 1024 -I 256 -O quota,project -E quotatype=usrquota:grpquota:prjquota";

    /// <summary>Extra sizes, and lengths of a first and a second value; the last ones leave no room.</summary>
    private static readonly (int ExtraBytes, int First, int Second)[] s_files =
    [
        (4, 0, 0), (16, 0, 0), (28, 0, 0), (4, 20, 0), (16, 12, 12), (28, 40, 20), (4, 80, 0), (4, 30, 20), (28, 68, 0),
        (8, 40, 4), (24, 72, 0),
    ];

    [Theory]
    [InlineData(WithProjects, false)]
    [InlineData(WithProjects, true)]
    [InlineData(WithProjects + " -O ^metadata_csum,quota,project", true)]
    [InlineData("-t ext4 -b 4096 -I 256", false)]
    public void Written_inodes_get_the_missing_fields_and_keep_their_attributes(string options, bool setsProject)
    {
        using var image = new TestImage(options);
        Make(image.Path);
        // debugfs counts for no quotas.
        Assert.InRange(Tool.Run("e2fsck", "-f", "-y", image.Path).ExitCode, 0, 1);
        image.AssertClean();
        using (Volume volume = Volume.Open(VolumeOpening.Device(image.Path, isReadOnly: false), new VolumeOptions()))
        {
            for (int i = 0; i < s_files.Length; i++)
            {
                Assert.Equal(Errno.Ok, volume.Lookup(InodeNumber.Root, Name(i), out InodeNumber number));
                if (setsProject)
                {
                    Assert.Equal(Errno.Ok, volume.SetProject(number, 1000 + (uint)i));
                }
                else
                {
                    var change = new AttributeChange { Permissions = 0x1A0 };
                    Assert.Equal(Errno.Ok, volume.SetAttributes(number, in change, out _));
                }
                Check(volume, number, i, setsProject);
            }
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        image.AssertClean();
        for (int i = 0; i < s_files.Length; i++)
        {
            string stat = Debugfs.Read(image.Path, $"stat /f{i}");
            bool isGrown = stat.Contains("Size of extra inode fields: 32", StringComparison.Ordinal);
            Assert.True(isGrown || (!setsProject && HasNoRoom(i)), stat);
        }
        CheckWithKernel(image.Path);
    }

    [Fact]
    public void Small_inodes_have_no_project()
    {
        using var image = new TestImage("-t ext4 -b 1024 -I 128 -O ^extra_isize");
        using (Volume volume = Volume.Open(VolumeOpening.Device(image.Path, isReadOnly: false), new VolumeOptions()))
        {
            Assert.Equal(Errno.Ok, volume.Create(
                InodeNumber.Root, "f"u8, 0x1A4, new Caller(0, 0), out InodeAttributes made));
            Assert.Equal(Errno.NotSupported, volume.SetProject(made.Number, 5));
            Assert.Equal(Errno.Ok, volume.SetProject(made.Number, 0));
        }
        image.AssertClean();
    }

    private static void Make(string image)
    {
        var requests = new List<string>();
        using var empty = new TemporaryDirectory();
        File.WriteAllBytes(empty.Combine("empty"), []);
        for (int i = 0; i < s_files.Length; i++)
        {
            (int extraBytes, int first, int second) = s_files[i];
            requests.Add($"write {empty.Combine("empty")} f{i}");
            requests.Add($"set_inode_field f{i} extra_isize {extraBytes}");
            if (first > 0)
            {
                requests.Add($"ea_set f{i} user.a {Value(first)}");
            }
            if (second > 0)
            {
                requests.Add($"ea_set f{i} user.b {Value(second)}");
            }
        }
        Debugfs.Write(image, [.. requests]);
    }

    private static bool HasNoRoom(int file)
    {
        const int magicAndEnd = 8;
        const int entry = 20;
        (_, int first, int second) = s_files[file];
        int used = magicAndEnd + (first > 0 ? entry + first : 0) + (second > 0 ? entry + second : 0);
        return used > 256 - 128 - 32;
    }

    private static void Check(Volume volume, InodeNumber number, int file, bool hasProject)
    {
        (_, int first, int second) = s_files[file];
        Span<byte> value = stackalloc byte[256];
        if (first > 0)
        {
            Assert.Equal(Errno.Ok, volume.GetXattr(number, "user.a"u8, value, out int length));
            Assert.Equal(Value(first), Encoding.ASCII.GetString(value[..length]));
        }
        if (second > 0)
        {
            Assert.Equal(Errno.Ok, volume.GetXattr(number, "user.b"u8, value, out int length));
            Assert.Equal(Value(second), Encoding.ASCII.GetString(value[..length]));
        }
        Assert.Equal(Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
        Assert.Equal(hasProject ? 1000 + (uint)file : 0, attributes.ProjectId);
    }

    private static void CheckWithKernel(string image)
    {
        if (Host.NoKernelExt4 is not null)
        {
            return;
        }
        using var mount = new LoopMount(image, "ro");
        Span<byte> value = new byte[256];
        for (int i = 0; i < s_files.Length; i++)
        {
            var path = new HostPath(mount.Combine($"f{i}"));
            (_, int first, int second) = s_files[i];
            Assert.Equal(first > 0 ? first : -61, Posix.GetXattr(path, "user.a"u8, value));
            Assert.Equal(second > 0 ? second : -61, Posix.GetXattr(path, "user.b"u8, value));
        }
        mount.Unmount();
    }

    private static byte[] Name(int file) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"f{file}"));

    private static string Value(int length) => new('v', length);
}
