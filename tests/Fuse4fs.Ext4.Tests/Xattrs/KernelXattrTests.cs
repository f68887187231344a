using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Xattrs;

/// <summary>Attributes set through the kernel read the same through us.</summary>
public sealed class KernelXattrTests
{
    private const int NoSpace = -28;
    private const int TooLong = -7;

    [Theory]
    [InlineData("-t ext4 -b 4096 -I 256")]
    [InlineData("-t ext4 -b 1024 -I 128")]
    [InlineData("-t ext4 -b 4096 -I 1024 -O ^metadata_csum")]
    [InlineData("-t ext4 -b 4096 -O ea_inode")]
    [InlineData("-t ext4 -b 1024 -O ea_inode -I 128")]
    [InlineData("-t ext4 -b 4096 -O inline_data,ea_inode")]
    public void Attributes_set_by_the_kernel_are_listed_and_read(string options)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(options);
        var expected = new Dictionary<string, Dictionary<string, byte[]>>();
        using (var mount = new LoopMount(image.Path))
        {
            var random = new Random(options.Length);
            for (int i = 0; i < 60; i++)
            {
                string name = $"file{i}";
                var path = new HostPath(mount.Combine(name));
                Assert.Equal(0, i % 7 == 0 ? Posix.MakeDirectory(path, 0x1ED) : Posix.MakeNode(path, 0x81A4, 0, 0));
                Fill(path, random, i);
                expected.Add(name, ReadAll(path));
            }
            mount.Unmount();
        }
        using Volume volume = Opened.ReadOnly(image.Path);
        foreach ((string name, Dictionary<string, byte[]> attributes) in expected)
        {
            InodeNumber inode = Opened.Find(volume, name);
            AssertSame(volume, inode, attributes, name);
        }
    }

    private static void AssertSame(
        Volume volume, InodeNumber inode, Dictionary<string, byte[]> expected, string what)
    {
        Assert.Equal(Errno.Ok, volume.ListXattr(inode, includeTrusted: true, default, out int length));
        byte[] list = new byte[length];
        Assert.Equal(Errno.Ok, volume.ListXattr(inode, includeTrusted: true, list, out length));
        Assert.Equal(list.Length, length);
        Assert.Equal(expected.Keys.Order(), Split(list).Order());
        if (length > 1)
        {
            Assert.Equal(Errno.Range, volume.ListXattr(inode, includeTrusted: true, new byte[length - 1], out _));
        }
        Assert.Equal(Errno.Ok, volume.ListXattr(inode, includeTrusted: false, default, out length));
        list = new byte[length + 1];
        Assert.Equal(Errno.Ok, volume.ListXattr(inode, includeTrusted: false, list, out length));
        Assert.DoesNotContain(Split(list.AsSpan(0, length)), name => name.StartsWith("trusted.", StringComparison.Ordinal));
        foreach ((string name, byte[] value) in expected)
        {
            byte[] found = new byte[1 << 16];
            byte[] nameBytes = Encoding.UTF8.GetBytes(name);
            Assert.True(Errno.Ok == volume.GetXattr(inode, nameBytes, default, out length), $"{what} {name}");
            Assert.Equal(value.Length, length);
            Assert.Equal(Errno.Ok, volume.GetXattr(inode, nameBytes, found, out length));
            Assert.Equal(value, found[..length]);
            if (value.Length > 1)
            {
                Assert.Equal(Errno.Range, volume.GetXattr(inode, nameBytes, found.AsSpan(0, value.Length - 1), out _));
            }
        }
        Assert.Equal(Errno.NoData, volume.GetXattr(inode, "user.missing"u8, default, out _));
        Assert.Equal(Errno.NotSupported, volume.GetXattr(inode, "system.data"u8, default, out _));
        Assert.Equal(Errno.Invalid, volume.GetXattr(inode, "user."u8, default, out _));
    }

    /// <summary>Names in all name spaces, values from nothing to beyond a block, ACLs.</summary>
    private static void Fill(HostPath path, Random random, int number)
    {
        int[] sizes = [1, 60, 60, 60, 2000, 20_000];
        string[] spaces = ["user.", "trusted.", "security."];
        for (int i = random.Next(0, 6); i >= 0; i--)
        {
            string name = spaces[random.Next(3)] + new string((char)('a' + i), random.Next(1, number % 5 == 0 ? 200 : 12));
            byte[] value = new byte[random.Next(sizes[random.Next(sizes.Length)])];
            random.NextBytes(value);
            int error = Posix.SetXattr(path, Encoding.UTF8.GetBytes(name), value);
            Assert.True(error is 0 or NoSpace or TooLong, $"{name}: {error}");
        }
        byte[] acl = Convert.FromHexString("02000000" + "01000600FFFFFFFF" + "02000400E8030000" + "04000400FFFFFFFF"
            + "08000700D2040000" + "10000600FFFFFFFF" + "20000400FFFFFFFF");
        if (number % 3 == 0)
        {
            Assert.True(Posix.SetXattr(path, "system.posix_acl_access"u8, acl) is 0 or NoSpace);
        }
        if (number % 7 == 0)
        {
            Assert.True(Posix.SetXattr(path, "system.posix_acl_default"u8, acl) is 0 or NoSpace);
        }
    }

    private static Dictionary<string, byte[]> ReadAll(HostPath path)
    {
        byte[] list = new byte[1 << 16];
        int length = Posix.ListXattr(path, list);
        Assert.True(length >= 0);
        var result = new Dictionary<string, byte[]>();
        foreach (string name in Split(list.AsSpan(0, length)))
        {
            byte[] value = new byte[1 << 16];
            int bytes = Posix.GetXattr(path, Encoding.UTF8.GetBytes(name), value);
            Assert.True(bytes >= 0, name);
            result.Add(name, value[..bytes]);
        }
        return result;
    }

    private static string[] Split(ReadOnlySpan<byte> list) =>
        Encoding.UTF8.GetString(list).Split('\0', StringSplitOptions.RemoveEmptyEntries);
}
