using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Encrypted directories without their key: the kernel shows the same names.</summary>
public sealed class EncryptedDirectoryTests
{
    private const uint AddKey = 0xC0506617;
    private const uint SetPolicy = 0x800C6613;

    [Theory]
    [InlineData("-b 4096", 25)]
    [InlineData("-b 1024", 1500)]
    [InlineData("-b 1024 -O ^dir_index", 100)]
    public void Names_are_listed_and_found_as_by_a_kernel_without_the_key(string options, int count)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage($"-t ext4 -O encrypt {options}");
        using (var mount = new LoopMount(image.Path))
        {
            Assert.SkipUnless(TryEncrypt(mount), "the kernel refuses encryption");
            for (int i = 0; i < count; i++)
            {
                string name = $"{i}-" + new string('n', i % 5 == 0 ? 200 : i % 60);
                Assert.Equal(0, Posix.MakeNode(new HostPath(mount.Combine($"d/{name}")), 0x81A4, 0, 0));
            }
            mount.Unmount();
        }
        List<ListedName> expected;
        using (var mount = new LoopMount(image.Path, "ro"))
        {
            Assert.Equal(0, Testing.Trees.DirectoryReader.Read(new HostPath(mount.Combine("d")), out expected));
            mount.Unmount();
        }
        Assert.Equal(count, expected.Count);
        using Volume volume = Opened.ReadOnly(image.Path);
        InodeNumber directory = Opened.Find(volume, "d");
        List<Listing.Entry> found = Listing.All(volume, directory, 20);
        Assert.Equal(
            expected.Select(name => (Convert.ToHexString(name.Name), (uint)name.Inode)).Order(),
            found.Where(entry => !entry.IsDot).Select(entry => (entry.Key, entry.Inode.Value)).Order());
        foreach (ListedName name in expected)
        {
            Assert.Equal(Errno.Ok, volume.Lookup(directory, name.Name, out InodeNumber child));
            Assert.Equal(name.Inode, child.Value);
        }
        Assert.Equal(Errno.NoEntry, volume.Lookup(directory, "0-"u8, out InodeNumber _));
    }

    private static bool TryEncrypt(LoopMount mount)
    {
        var directory = new HostPath(mount.Combine("d"));
        Assert.Equal(0, Posix.MakeDirectory(directory, 0x1ED));
        int descriptor = Posix.Open(directory, OpenMode.Read | OpenMode.Directory);
        try
        {
            var key = new KeyArgument { KeyType = 2, Reserved = 0, RawBytes = 64, KeyId = 0 };
            for (int i = 0; i < 64; i++)
            {
                key.Raw[i] = (byte)(i * 7);
            }
            if (Posix.Control(descriptor, AddKey, ref key) != 0)
            {
                return false;
            }
            var policy = new Policy { Version = 2, ContentsMode = 1, NamesMode = 4, Flags = 3 };
            key.Identifier[..16].CopyTo(policy.Identifier);
            return Posix.Control(descriptor, SetPolicy, ref policy) == 0;
        }
        finally
        {
            Posix.Close(descriptor);
        }
    }

    /// <summary>struct fscrypt_add_key_arg with a key of 64 bytes behind it.</summary>
    private unsafe struct KeyArgument
    {
        public uint KeyType;
        public uint Reserved;
        private fixed byte _identifier[32];
        public uint RawBytes;
        public uint KeyId;
        private fixed uint _reservedWords[8];
        private fixed byte _raw[64];

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public Span<byte> Identifier => MemoryMarshal.CreateSpan(ref _identifier[0], 32);

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public Span<byte> Raw => MemoryMarshal.CreateSpan(ref _raw[0], 64);
    }

    /// <summary>struct fscrypt_policy_v2.</summary>
    private unsafe struct Policy
    {
        public byte Version;
        public byte ContentsMode;
        public byte NamesMode;
        public byte Flags;
        private fixed byte _reserved[4];
        private fixed byte _identifier[16];

        [System.Diagnostics.CodeAnalysis.UnscopedRef]
        public Span<byte> Identifier => MemoryMarshal.CreateSpan(ref _identifier[0], 16);
    }
}
