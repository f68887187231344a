using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Directories made by the kernel: every name is found, listings equal the kernel's.</summary>
public sealed class KernelDirectoryTests
{
    private const uint RegularFile = 0x8000;

    [Theory]
    [InlineData("-t ext4 -b 4096", "half_md4", 3000)]
    [InlineData("-t ext4 -b 1024", "half_md4", 9000)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum", "tea", 9000)]
    [InlineData("-t ext4 -b 1024 -O large_dir", "legacy", 9000)]
    [InlineData("-t ext4 -b 4096", "half_md4", 40)]
    [InlineData("-t ext4 -b 4096 -O ^dir_index", "half_md4", 2000)]
    [InlineData("-t ext4 -b 2048 -O ^filetype", "tea", 2000)]
    [InlineData("-t ext4 -b 4096 -I 256 -O inline_data", "half_md4", 2)]
    [InlineData("-t ext4 -b 4096 -I 1024 -O inline_data", "half_md4", 20)]
    [InlineData("-t ext4 -b 4096 -I 1024 -O inline_data,^dir_index", "half_md4", 20)]
    [InlineData("-t ext2 -b 1024", "half_md4", 2000)]
    [InlineData("-t ext3 -b 1024", "tea", 2000)]
    public void Names_are_found_and_listed_as_the_kernel_does(string options, string hash, int count)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(options, 64L << 20);
        Tool.Check("tune2fs", "-E", $"hash_alg={hash}", image.Path);
        List<ListedName> expected = FillByKernel(image, count, shortNames: options.Contains("inline", StringComparison.Ordinal));
        using Volume volume = Opened.ReadOnly(image.Path);
        InodeNumber directory = Opened.Find(volume, "d");
        AssertSameListing(volume, directory, expected);
        foreach (ListedName name in expected)
        {
            Assert.Equal(Errno.Ok, volume.Lookup(directory, name.Name, out InodeNumber child));
            Assert.Equal(name.Inode, child.Value);
        }
        byte[] missing = new byte[20];
        for (int i = 0; i < 500; i++)
        {
            BitConverter.TryWriteBytes(missing, i);
            missing.AsSpan(4).Fill((byte)'x');
            missing.AsSpan(0, 4).Replace((byte)0, (byte)'_');
            Assert.Equal(Errno.NoEntry, volume.Lookup(directory, missing, out InodeNumber _));
        }
        Assert.Equal(Errno.NameTooLong, volume.Lookup(directory, new byte[256], out InodeNumber _));
    }

    /// <summary>Both by hash: then the order is the kernel's too, as far as it is defined. Without the index both go by
    /// place.</summary>
    private static void AssertSameListing(Volume volume, InodeNumber directory, List<ListedName> expected)
    {
        List<Listing.Entry> whole = Listing.All(volume, directory);
        Assert.Equal(["2E", "2E2E"], whole[..2].Select(entry => entry.Key));
        Assert.Equal([directory, InodeNumber.Root], whole[..2].Select(entry => entry.Inode));
        Assert.Equal(expected.Count + 2, whole.Count);
        foreach (int perCall in (int[])[1, 7, 100])
        {
            if (expected.Count / perCall < 3000)
            {
                Assert.Equal(whole.Select(entry => entry.Key), Listing.All(volume, directory, perCall).Select(entry => entry.Key));
            }
        }
        var byKey = expected.ToDictionary(name => Convert.ToHexString(name.Name));
        foreach (Listing.Entry entry in whole[2..])
        {
            ListedName name = byKey[entry.Key];
            Assert.Equal(name.Inode, entry.Inode.Value);
            Assert.Equal(name.Type == 8 ? DirectoryFileType.Regular : DirectoryFileType.Unknown, entry.Type);
        }
        // Names of one hash come in any order.
        string[] theirs = [.. expected.Select(name => Convert.ToHexString(name.Name))];
        int moved = whole[2..].Zip(theirs).Count(pair => pair.First.Key != pair.Second);
        Assert.True(moved <= 20, $"{moved} names in another order");
    }

    private static List<ListedName> FillByKernel(TestImage image, int count, bool shortNames)
    {
        var random = new Random(count);
        using var mount = new LoopMount(image.Path);
        var directory = new HostPath(mount.Combine("d"));
        Assert.Equal(0, Posix.MakeDirectory(directory, 0x1ED));
        for (int i = 0; i < count; i++)
        {
            HostPath path = directory.Child(RandomName(random, i, shortNames));
            Assert.Equal(0, Posix.MakeNode(path, RegularFile | 0x1A4, 0, 0));
        }
        for (int i = 0; i < count / 3; i++)
        {
            // Holes in the blocks, as files that go leave them.
            HostPath path = directory.Child($"gone{i}");
            Assert.Equal(0, Posix.MakeNode(path, RegularFile | 0x1A4, 0, 0));
            Assert.Equal(0, Posix.Unlink(path));
        }
        Assert.Equal(0, Testing.Trees.DirectoryReader.Read(directory, out List<ListedName> names));
        mount.Unmount();
        return names;
    }

    /// <summary>All bytes but NUL and '/', high ones included; never a leading dot.</summary>
    private static byte[] RandomName(Random random, int number, bool isShort)
    {
        byte[] suffix = System.Text.Encoding.ASCII.GetBytes($"{number}");
        byte[] name = new byte[isShort ? suffix.Length + 3 : random.Next(suffix.Length + 1, 60)];
        random.NextBytes(name);
        name.AsSpan().Replace((byte)0, (byte)0xE4);
        name.AsSpan().Replace((byte)'/', (byte)0xFF);
        name.AsSpan().Replace((byte)'.', (byte)'-');
        suffix.CopyTo(name, name.Length - suffix.Length);
        return name;
    }
}
