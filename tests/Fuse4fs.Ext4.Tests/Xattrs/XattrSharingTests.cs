using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Xattrs;

/// <summary>Equal attributes take space once, as with the kernel: as many blocks and inodes are free after the same
/// work.</summary>
public sealed class XattrSharingTests
{
    private const int Files = 12;
    private static readonly Caller s_root = new(0, 0);

    [Theory]
    [InlineData("-t ext4 -b 1024 -I 128")]
    [InlineData("-t ext4 -b 4096 -I 256 -O ea_inode")]
    [InlineData("-t ext4 -b 1024 -I 256 -O ea_inode")]
    public void As_much_is_free_as_the_kernel_leaves(string options)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        bool hasLarge = options.Contains("ea_inode", StringComparison.Ordinal);
        using var ours = new TestImage(options);
        using TestImage kernels = ours.Copy();
        using (var mount = new LoopMount(kernels.Path))
        {
            Work(hasLarge, (file, name, value) =>
            {
                var path = new HostPath(mount.Combine(file));
                Posix.MakeNode(path, 0x81A4, 0, 0);
                return value is null ? Posix.RemoveXattr(path, name) == 0 : Posix.SetXattr(path, name, value) == 0;
            });
            mount.Unmount();
        }
        using (Volume volume = Opened.ForWriting(ours.Path))
        {
            Work(hasLarge, (file, name, value) =>
            {
                byte[] fileName = Encoding.ASCII.GetBytes(file);
                volume.Create(InodeNumber.Root, fileName, 0x1A4, s_root, out _);
                InodeNumber number = Opened.Find(volume, file);
                Errno error = value is null
                    ? volume.RemoveXattr(number, name)
                    : volume.SetXattr(number, name, value, XattrFlags.None, s_root);
                return error == Errno.Ok;
            });
        }
        ours.AssertClean();
        kernels.AssertClean();
        Assert.Equal(FreeCounts(kernels), FreeCounts(ours));
    }

    /// <summary>What one mount wrote the next one shares, once somebody read it.</summary>
    [Fact]
    public void Blocks_and_values_from_before_the_mount_are_shared()
    {
        using var image = new TestImage("-t ext4 -b 1024 -I 128 -O ea_inode");
        string before = "";
        for (int round = 0; round < 5; round++)
        {
            using (Volume volume = Opened.ForWriting(image.Path))
            {
                if (round > 0)
                {
                    volume.GetXattr(Opened.Find(volume, "file0"), "user.large"u8, new byte[70_000], out _);
                }
                byte[] name = Encoding.ASCII.GetBytes($"file{round}");
                volume.Create(InodeNumber.Root, name, 0x1A4, s_root, out InodeAttributes made);
                Assert.Equal(Errno.Ok, volume.SetXattr(
                    made.Number, "user.large"u8, new byte[30_000], XattrFlags.None, s_root));
            }
            image.AssertClean();
            string now = FreeCounts(image)[..FreeCounts(image).IndexOf('\n', StringComparison.Ordinal)];
            Assert.True(round == 0 || now == before, $"round {round}: {before}, then {now}");
            before = now;
        }
    }

    /// <summary>Files made below a default ACL that is too large for their inodes have one block for all.</summary>
    [Fact]
    public void Inherited_lists_are_shared_also_by_many_at_once()
    {
        byte[] acl = Convert.FromHexString("02000000" + "01000600FFFFFFFF" + "02000700E8030000"
            + "04000500FFFFFFFF" + "10000700FFFFFFFF" + "20000500FFFFFFFF");
        using var image = new TestImage("-t ext4 -b 1024 -I 128 -N 4096");
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.SetXattr(
                InodeNumber.Root, "system.posix_acl_default"u8, acl, XattrFlags.None, s_root));
            ulong free = volume.Statistics().FreeBlocks;
            Parallel.For(0, 4, thread =>
            {
                for (int i = 0; i < 150; i++)
                {
                    byte[] name = Encoding.ASCII.GetBytes($"f{thread}-{i}");
                    Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, name, 0x1B6, s_root, out InodeAttributes made));
                    if (i % 5 == 4)
                    {
                        Assert.Equal(Errno.Ok, volume.SetXattr(
                            made.Number, "user.own"u8, [(byte)i], XattrFlags.None, s_root));
                        Assert.Equal(Errno.Ok, volume.RemoveXattr(made.Number, "user.own"u8));
                    }
                    if (i % 3 == 2)
                    {
                        Assert.Equal(Errno.Ok, volume.Unlink(InodeNumber.Root, name));
                    }
                }
            });
            volume.SyncAll();
            Assert.InRange(free - volume.Statistics().FreeBlocks, 1ul, 60ul);
        }
        image.AssertClean();
    }

    /// <summary>Threads give and take one value all the time: its inode comes and goes, its count is right.</summary>
    [Fact]
    public void A_value_may_lose_its_last_user_while_it_gets_another()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O ea_inode");
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Parallel.For(0, 4, thread =>
            {
                byte[] name = Encoding.ASCII.GetBytes($"f{thread}");
                Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, name, 0x1B6, s_root, out InodeAttributes made));
                byte[] found = new byte[5000];
                for (int i = 0; i < 150; i++)
                {
                    byte[] value = new byte[4000 + (i / 10 % 2)];
                    Assert.Equal(Errno.Ok, volume.SetXattr(
                        made.Number, "user.large"u8, value, XattrFlags.None, s_root));
                    Assert.Equal(Errno.Ok, volume.GetXattr(made.Number, "user.large"u8, found, out int length));
                    Assert.Equal(value.Length, length);
                    Assert.Equal(Errno.Ok, volume.RemoveXattr(made.Number, "user.large"u8));
                }
            });
        }
        image.AssertClean();
    }

    private static void Work(bool hasLarge, Func<string, byte[], byte[]?, bool> change)
    {
        byte[] same = "user.same"u8.ToArray();
        byte[] large = "user.large"u8.ToArray();
        for (int i = 0; i < Files; i++)
        {
            Assert.True(change($"file{i}", same, new byte[600]));
            if (hasLarge)
            {
                Assert.True(change($"file{i}", large, new byte[9_000 + (i % 2 * 20_000)]));
            }
        }
        Assert.True(change("file1", same, new byte[500]));
        Assert.True(change("file2", same, new byte[500]));
        Assert.True(change("file3", same, null));
        Assert.True(change("file1", same, new byte[600]));
        if (hasLarge)
        {
            Assert.True(change("file4", large, new byte[12]));
            Assert.True(change("file5", large, null));
            Assert.True(change("file6", large, new byte[29_000]));
        }
    }

    private static string FreeCounts(TestImage image)
    {
        string[] lines = Tool.Shell($"dumpe2fs -h {image.Path} 2>/dev/null").Split('\n');
        return string.Join('\n', lines.Where(line => line.StartsWith("Free ", StringComparison.Ordinal)).Order());
    }
}
