using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Xattrs;

/// <summary>Attributes we write: a model agrees, e2fsck finds nothing, the kernel reads the same.</summary>
public sealed class XattrWritingTests
{
    private static readonly Caller s_root = new(0, 0);

    [Theory]
    [InlineData("-t ext4 -b 4096 -I 256", 6000)]
    [InlineData("-t ext4 -b 1024 -I 128", 6000)]
    [InlineData("-t ext4 -b 1024 -I 512 -O ^metadata_csum", 6000)]
    [InlineData("-t ext4 -b 4096 -O ea_inode", 3000)]
    [InlineData("-t ext4 -b 1024 -O ea_inode -I 128", 3000)]
    [InlineData("-t ext3 -b 1024 -O ea_inode,^dir_index", 1500)]
    [InlineData("-t ext4 -b 2048 -O ^has_journal", 3000)]
    public void Random_changes_agree_with_a_model_and_the_kernel(string options, int steps)
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        using var image = new TestImage(options);
        var model = new Dictionary<string, Dictionary<string, byte[]>>();
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            var numbers = new List<(string Name, InodeNumber Number)>();
            for (int i = 0; i < 12; i++)
            {
                string name = $"file{i}";
                Assert.Equal(Errno.Ok, volume.Create(
                    InodeNumber.Root, Encoding.ASCII.GetBytes(name), 0x1A4, s_root, out InodeAttributes made));
                numbers.Add((name, made.Number));
                model.Add(name, []);
            }
            for (int step = 0; step < steps; step++)
            {
                (string name, InodeNumber number) = numbers[random.Next(numbers.Count)];
                Change(volume, number, model[name], random, $"seed {seed}, step {step}");
            }
            foreach ((string name, InodeNumber number) in numbers)
            {
                AssertSame(volume, number, model[name], $"seed {seed}, {name}");
            }
        }
        image.AssertClean();
        AssertKernelAgrees(image, model);
    }

    [Theory]
    [InlineData("-t ext4 -b 4096 -I 256")]
    [InlineData("-t ext4 -b 1024 -I 256 -O ea_inode")]
    public void Blocks_and_values_that_the_kernel_shares_are_unshared_and_freed(string options)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(options);
        bool hasLarge = options.Contains("ea_inode", StringComparison.Ordinal);
        using (var mount = new LoopMount(image.Path))
        {
            for (int i = 0; i < 9; i++)
            {
                var path = new HostPath(mount.Combine($"file{i}"));
                Assert.Equal(0, Posix.MakeNode(path, 0x81A4, 0, 0));
                Assert.Equal(0, Posix.SetXattr(path, "user.same"u8, new byte[400]));
                Assert.Equal(0, Posix.SetXattr(path, "user.other"u8, new byte[100]));
                if (hasLarge)
                {
                    Assert.Equal(0, Posix.SetXattr(path, "user.large"u8, new byte[20_000]));
                }
            }
            mount.Unmount();
        }
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            InodeNumber first = Opened.Find(volume, "file0");
            Assert.Equal(Errno.Ok, volume.SetXattr(first, "user.same"u8, new byte[401], XattrFlags.Replace, s_root));
            InodeNumber second = Opened.Find(volume, "file1");
            Assert.Equal(Errno.Ok, volume.RemoveXattr(second, "user.same"u8));
            Assert.Equal(Errno.Ok, volume.RemoveXattr(second, "user.other"u8));
            if (hasLarge)
            {
                Assert.Equal(Errno.Ok, volume.RemoveXattr(second, "user.large"u8));
                Assert.Equal(Errno.Ok, volume.SetXattr(
                    Opened.Find(volume, "file2"), "user.large"u8, new byte[30], XattrFlags.None, s_root));
            }
            for (int i = 3; i < 6; i++)
            {
                Assert.Equal(Errno.Ok, volume.Unlink(InodeNumber.Root, Encoding.ASCII.GetBytes($"file{i}")));
            }
        }
        image.AssertClean();
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            foreach (int i in (int[])[0, 1, 2, 6, 7, 8])
            {
                Assert.Equal(Errno.Ok, volume.Unlink(InodeNumber.Root, Encoding.ASCII.GetBytes($"file{i}")));
            }
        }
        image.AssertClean();
    }

    [Fact]
    public void Access_lists_keep_the_mode_in_step_and_are_inherited()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        byte[] named = Convert.FromHexString("02000000" + "01000600FFFFFFFF" + "02000700E8030000"
            + "04000500FFFFFFFF" + "10000700FFFFFFFF" + "20000500FFFFFFFF");
        byte[] minimal = Convert.FromHexString("02000000" + "01000600FFFFFFFF" + "04000400FFFFFFFF" + "20000000FFFFFFFF");
        using TestImage ours = new("-t ext4 -b 4096");
        using TestImage kernels = ours.Copy();
        var caller = new Caller(0, 0, Umask: 0x12);
        using (Volume volume = Opened.ForWriting(ours.Path))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(InodeNumber.Root, "d"u8, 0x1FF, caller, out InodeAttributes made));
            Assert.Equal(Errno.Ok, volume.SetXattr(
                made.Number, "system.posix_acl_default"u8, named, XattrFlags.None, caller));
            Assert.Equal(Errno.Ok, volume.SetXattr(
                made.Number, "system.posix_acl_access"u8, named, XattrFlags.None, caller));
            Assert.Equal(Errno.Ok, volume.Create(made.Number, "file"u8, 0x1B6, caller, out _));
            Assert.Equal(Errno.Ok, volume.MakeDirectory(made.Number, "sub"u8, 0x1FF, caller, out _));
            Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, "plain"u8, 0x1B6, caller, out InodeAttributes plain));
            Assert.Equal(Errno.Ok, volume.SetXattr(
                plain.Number, "system.posix_acl_access"u8, minimal, XattrFlags.None, caller));
            Assert.Equal(Errno.AccessDenied, volume.SetXattr(
                plain.Number, "system.posix_acl_default"u8, named, XattrFlags.None, caller));
            Assert.Equal(Errno.Invalid, volume.SetXattr(
                plain.Number, "system.posix_acl_access"u8, named.AsSpan(0, 28), XattrFlags.None, caller));
        }
        ours.AssertClean();
        MakeByKernel(kernels, named, minimal);
        Assert.Equal(DescribeAll(kernels), DescribeAll(ours));
    }

    [Fact]
    public void A_new_mode_reaches_the_access_list_and_writing_drops_capabilities()
    {
        byte[] named = Convert.FromHexString("02000000" + "01000600FFFFFFFF" + "02000700E8030000"
            + "04000500FFFFFFFF" + "10000700FFFFFFFF" + "20000500FFFFFFFF");
        using var image = new TestImage("-t ext4 -b 4096");
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, "file"u8, 0x1B6, s_root, out InodeAttributes file));
            Assert.Equal(Errno.Ok, volume.SetXattr(
                file.Number, "system.posix_acl_access"u8, named, XattrFlags.None, s_root));
            Assert.Equal(Errno.Ok, volume.SetAttributes(
                file.Number, new AttributeChange { Permissions = 0x124 }, out InodeAttributes changed));
            Assert.Equal(0x124, changed.Mode & 0x1FF);
            byte[] acl = new byte[100];
            Assert.Equal(Errno.Ok, volume.GetXattr(file.Number, "system.posix_acl_access"u8, acl, out int length));
            named[6] = 4;
            named[30] = 4;
            named[38] = 4;
            Assert.Equal(named, acl[..length]);
            foreach (bool isWrite in (bool[])[true, false])
            {
                Assert.Equal(Errno.Ok, volume.SetXattr(
                    file.Number, "security.capability"u8, new byte[20], XattrFlags.None, s_root));
                Assert.Equal(Errno.Ok, isWrite
                    ? volume.Write(file.Number, 0, "data"u8, default, out _)
                    : volume.SetAttributes(file.Number, new AttributeChange { UserId = 7 }, out _));
                Assert.Equal(Errno.NoData, volume.GetXattr(file.Number, "security.capability"u8, default, out _));
            }
        }
        image.AssertClean();
    }

    private static void MakeByKernel(TestImage image, byte[] named, byte[] minimal)
    {
        using var mount = new LoopMount(image.Path);
        string hex = Convert.ToHexString(named);
        Tool.Shell($"""
            umask 022
            cd {mount.MountPoint}
            mkdir d && chmod 755 d
            setfattr -n system.posix_acl_default -v 0x{hex} d
            setfattr -n system.posix_acl_access -v 0x{hex} d
            touch d/file && mkdir d/sub && touch plain
            setfattr -n system.posix_acl_access -v 0x{Convert.ToHexString(minimal)} plain
            """);
        mount.Unmount();
    }

    private static string DescribeAll(TestImage image)
    {
        using var mount = new LoopMount(image.Path, "ro");
        return Tool.Shell($"cd {mount.MountPoint}; for f in d d/file d/sub plain; do stat -c '%n %f' $f; getfattr -d -m - -e hex $f; done");
    }

    private static void Change(
        Volume volume, InodeNumber number, Dictionary<string, byte[]> model, Random random, string what)
    {
        string[] spaces = ["user.", "trusted.", "security."];
        string name = spaces[random.Next(3)] + new string((char)('a' + random.Next(9)), random.Next(20) == 0 ? 240 : random.Next(1, 4));
        byte[] nameBytes = Encoding.ASCII.GetBytes(name);
        if (random.Next(3) == 0)
        {
            Errno removed = volume.RemoveXattr(number, nameBytes);
            Assert.True(removed == (model.Remove(name) ? Errno.Ok : Errno.NoData), $"{what}: removing {removed}");
            return;
        }
        byte[] value = new byte[random.Next(8) switch { 0 => 0, 1 => random.Next(900), 2 => random.Next(5000), _ => random.Next(80) }];
        random.NextBytes(value);
        XattrFlags flags = random.Next(5) switch { 0 => XattrFlags.Create, 1 => XattrFlags.Replace, _ => XattrFlags.None };
        Errno error = volume.SetXattr(number, nameBytes, value, flags, s_root);
        bool exists = model.ContainsKey(name);
        if (flags == XattrFlags.Create && exists)
        {
            Assert.True(error == Errno.Exists, $"{what}: {error}");
        }
        else if (flags == XattrFlags.Replace && !exists)
        {
            Assert.True(error == Errno.NoData, $"{what}: {error}");
        }
        else if (error == Errno.Ok)
        {
            model[name] = value;
        }
        else
        {
            int used = model.Sum(other => other.Key.Length + other.Value.Length + 16);
            Assert.True(error == Errno.NoSpace && used + name.Length + value.Length > 600, $"{what}: {error}");
        }
    }

    private static void AssertSame(Volume volume, InodeNumber number, Dictionary<string, byte[]> model, string what)
    {
        byte[] list = new byte[1 << 16];
        Assert.Equal(Errno.Ok, volume.ListXattr(number, includeTrusted: true, list, out int length));
        string[] names = Encoding.ASCII.GetString(list, 0, length).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(names.Order().SequenceEqual(model.Keys.Order()), what);
        foreach ((string name, byte[] value) in model)
        {
            byte[] found = new byte[1 << 16];
            Assert.Equal(Errno.Ok, volume.GetXattr(number, Encoding.ASCII.GetBytes(name), found, out length));
            Assert.True(found.AsSpan(0, length).SequenceEqual(value), $"{what} {name}");
        }
    }

    private static void AssertKernelAgrees(TestImage image, Dictionary<string, Dictionary<string, byte[]>> model)
    {
        if (Host.NoKernelExt4 is not null)
        {
            return;
        }
        using var mount = new LoopMount(image.Path, "ro");
        byte[] value = new byte[1 << 16];
        foreach ((string file, Dictionary<string, byte[]> attributes) in model)
        {
            var path = new HostPath(mount.Combine(file));
            foreach ((string name, byte[] expected) in attributes)
            {
                int length = Posix.GetXattr(path, Encoding.ASCII.GetBytes(name), value);
                Assert.True(length == expected.Length && value.AsSpan(0, length).SequenceEqual(expected), $"{file} {name}");
            }
        }
        mount.Unmount();
    }
}
