using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Directories with deep indexes, many equal hashes and the longest names.</summary>
public sealed class BigDirectoryTests
{
    private static readonly Caller s_root = new(0, 0);

    /// <summary>FUSE4FS_TEST_ENTRIES makes it bigger.</summary>
    private static int Entries => int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_ENTRIES") ?? "100000", CultureInfo.InvariantCulture);

    /// <summary>Hard links: names cost directory blocks alone. The kernel lists and finds the same.</summary>
    [Fact]
    public void A_hundred_thousand_names_are_written_listed_and_taken_over_by_the_kernel()
    {
        using var image = new TestImage("-t ext4 -b 4096", 256L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            InodeNumber directory = MakeDirectory(volume);
            Fill(volume, directory, Entries, static i => Encoding.ASCII.GetBytes($"file-{i}"));
            Assert.Equal(Entries + 2, Listing.All(volume, directory, 100).Count);
        }
        image.AssertClean();
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using (var mount = new LoopMount(image.Path))
        {
            var path = new HostPath(mount.Combine("d"));
            Assert.Equal(0, Testing.Trees.DirectoryReader.Read(path, out List<ListedName> names));
            Assert.Equal(Entries, names.Count);
            for (int i = 0; i < Entries; i += 97)
            {
                Assert.Equal(0, Posix.Unlink(path.Child($"file-{i}")));
            }
            mount.Unmount();
        }
        image.AssertClean();
    }

    [Theory]
    [InlineData("-b 1024", "half_md4", 12_000, 20, 1)]
    [InlineData("-b 1024 -O large_dir", "tea", 32_000, 240, 2)]
    [InlineData("-b 1024", "legacy", 5000, 240, 1)]
    public void Deep_indexes_grow_and_stay_right(string options, string hash, int count, int padding, int levels)
    {
        using var image = new TestImage($"-t ext4 {options}", 256L << 20);
        Tool.Check("tune2fs", "-E", $"hash_alg={hash}", image.Path);
        byte[] NameOf(int i) => Encoding.ASCII.GetBytes($"{i}-" + new string('x', padding));
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            InodeNumber directory = MakeDirectory(volume);
            Fill(volume, directory, count, NameOf);
            for (int i = 0; i < count; i += 7)
            {
                Assert.Equal(Errno.Ok, volume.Unlink(directory, NameOf(i)));
            }
        }
        image.AssertClean();
        Assert.Equal(levels, IndirectLevels(image));
        using (Volume volume = Opened.ReadOnly(image.Path))
        {
            InodeNumber directory = Opened.Find(volume, "d");
            for (int i = 0; i < count; i++)
            {
                Errno expected = i % 7 == 0 ? Errno.NoEntry : Errno.Ok;
                Assert.Equal(expected, volume.Lookup(directory, NameOf(i), out InodeNumber _));
            }
        }
    }

    /// <summary>The legacy hash makes it easy to find names of one hash: more than fit in a leaf.</summary>
    [Fact]
    public void Names_of_one_hash_fill_several_leaves()
    {
        byte[][] names = CollidingNames(14);
        using var image = new TestImage("-t ext4 -b 1024", 32L << 20);
        Tool.Check("tune2fs", "-E", "hash_alg=legacy", image.Path);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            InodeNumber directory = MakeDirectory(volume);
            Fill(volume, directory, names.Length, i => names[i]);
            Fill(volume, directory, 300, static i => Encoding.ASCII.GetBytes($"other{i}"));
            Assert.All(names, name => Assert.Equal(Errno.Ok, volume.Lookup(directory, name, out InodeNumber _)));
            List<Listing.Entry> listed = Listing.All(volume, directory, 3);
            Assert.Equal(names.Length + 302, listed.Select(entry => entry.Key).Distinct().Count());
            Assert.Equal(names.Length + 302, listed.Count);
            foreach (byte[] name in names)
            {
                Assert.Equal(Errno.Ok, volume.Unlink(directory, name));
            }
            Assert.Equal(302, Listing.All(volume, directory, 3).Count);
        }
        image.AssertClean();
    }

    /// <summary>Two levels are full at last: an error, and a directory that still works.</summary>
    [Fact]
    public void A_full_index_refuses_more_names()
    {
        using var image = new TestImage("-t ext4 -b 1024 -m 0", 64L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            InodeNumber directory = MakeDirectory(volume);
            Assert.Equal(Errno.Ok, volume.Create(directory, "first"u8, 0x1A4, s_root, out InodeAttributes file));
            Errno error = Errno.Ok;
            int made = 0;
            while (error == Errno.Ok)
            {
                byte[] name = Encoding.ASCII.GetBytes($"{made}-" + new string('x', 240));
                error = made % 60_000 == 59_999
                    ? volume.Create(directory, name, 0x1A4, s_root, out file)
                    : volume.Link(file.Number, directory, name, s_root, out _);
                made++;
            }
            Assert.Equal(Errno.NoSpace, error);
            Assert.True(made > 10_000, $"{made}");   // how full the leaves are depends on the hash seed of the image
            Assert.Equal(Errno.Ok, volume.Unlink(directory, Encoding.ASCII.GetBytes("5-" + new string('x', 240))));
            Assert.Equal(Errno.Ok, volume.Lookup(directory, "first"u8, out InodeNumber _));
        }
        image.AssertClean();
    }

    /// <summary>As debugfs finds the root.</summary>
    private static int IndirectLevels(TestImage image)
    {
        string block = Debugfs.Read(image.Path, "bmap d 0").Split('\n').Last(line => line.Length > 0 && char.IsDigit(line[0]));
        using FileStream stream = File.OpenRead(image.Path);
        stream.Position = (long.Parse(block, CultureInfo.InvariantCulture) * 1024) + 0x1E;
        return stream.ReadByte();
    }

    private static InodeNumber MakeDirectory(Volume volume)
    {
        Assert.Equal(Errno.Ok, volume.MakeDirectory(InodeNumber.Root, "d"u8, 0x1ED, s_root, out InodeAttributes made));
        return made.Number;
    }

    /// <summary>Names of some files with many links each.</summary>
    private static void Fill(Volume volume, InodeNumber directory, int count, Func<int, byte[]> nameOf)
    {
        const int linksPerFile = 50_000;
        InodeAttributes file = default;
        for (int i = 0; i < count; i++)
        {
            Errno error = i % linksPerFile == 0
                ? volume.Create(directory, nameOf(i), 0x1A4, s_root, out file)
                : volume.Link(file.Number, directory, nameOf(i), s_root, out _);
            Assert.True(error == Errno.Ok, $"{i}: {error}");
        }
    }

    /// <summary>The last byte of a name can be solved for: the hash is the sum of one word of state and the other word
    /// xor a multiple of the byte, with the top bit folded in.</summary>
    private static byte[][] CollidingNames(int wanted)
    {
        const uint factor = 7152373;
        const uint target = 0x12345678;
        uint inverse = factor;
        for (int i = 0; i < 5; i++)
        {
            inverse = unchecked(inverse * (2 - (factor * inverse)));
        }
        var random = new Random(1);
        var names = new List<byte[]>();
        byte[] name = Encoding.ASCII.GetBytes(new string('x', 230) + new string('a', 9));
        while (names.Count < wanted)
        {
            for (int i = 230; i < 236; i++)
            {
                name[i] = (byte)random.Next('a', 'z');
            }
            (uint before, uint last) = LegacyState(name.AsSpan(0, 236));
            for (int tail = 0; tail < 26 * 26; tail++)
            {
                name[236] = (byte)('a' + (tail / 26));
                name[237] = (byte)('a' + (tail % 26));
                (uint first, uint second) = Advance(Advance((before, last), name[236]), name[237]);
                foreach (uint sum in (ReadOnlySpan<uint>)[target, target + 0x7FFFFFFF])
                {
                    uint value = unchecked(((sum - first) ^ second) * inverse);
                    if (value is > 0 and < 128 and not '/')
                    {
                        name[238] = (byte)value;
                        names.Add((byte[])name.Clone());
                    }
                }
            }
        }
        Assert.Single(names.Select(made => Ext4.Directories.DirectoryHash.Compute(
            Ext4.Directories.HashVersion.Legacy, default, made).Major).Distinct());
        return [.. names.DistinctBy(Convert.ToHexString).Take(wanted)];
    }

    private static (uint Before, uint Last) LegacyState(ReadOnlySpan<byte> name)
    {
        (uint Before, uint Last) state = (0x37ABE8F9, 0x12A3FE2D);
        foreach (byte value in name)
        {
            state = Advance(state, value);
        }
        return state;
    }

    private static (uint Before, uint Last) Advance((uint Before, uint Last) state, byte value)
    {
        uint next = unchecked(state.Before + (state.Last ^ (value * 7152373u)));
        return (state.Last, (next & 0x80000000) != 0 ? next - 0x7FFFFFFF : next);
    }
}
