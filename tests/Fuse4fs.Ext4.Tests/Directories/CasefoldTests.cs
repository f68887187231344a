using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Casefolded directories, made by debugfs and indexed by e2fsck, which hashes folded names itself: this
/// kernel mounts none.</summary>
public sealed class CasefoldTests
{
    private const string CasefoldAndExtents = "0x40080000";
    private const string CasefoldExtentsAndIndex = "0x40081000";

    [Theory]
    [InlineData("")]
    [InlineData("-E encoding=utf8-12.1,encoding_flags=strict")]
    public void Names_are_found_in_any_case(string encoding)
    {
        using var image = new TestImage($"-t ext4 -b 1024 -O casefold {encoding}", 32L << 20);
        List<string> names = MakeNames();
        string[] requests =
        [
            "mkdir d", $"set_inode_field d flags {CasefoldAndExtents}", "cd d",
            .. names.Select(name => $"mknod \"{name}\" p"),
        ];
        Debugfs.Write(image.Path, requests);
        // Rebuilds the directory with an index over folded names.
        Assert.InRange(Tool.Run("e2fsck", "-f", "-y", "-D", image.Path).ExitCode, 0, 1);
        image.AssertClean();
        using Volume volume = Opened.ReadOnly(image.Path);
        InodeNumber directory = Opened.Find(volume, "d");
        Assert.Equal(Errno.Ok, volume.GetAttributes(directory, out InodeAttributes attributes));
        Assert.True((attributes.Flags & InodeFlags.HashIndexed) != 0);
        foreach (string name in names)
        {
            foreach (string variant in (string[])[name, name.ToUpperInvariant(), name + "\u00AD", "\u200D" + name])
            {
                Errno error = volume.Lookup(directory, Encoding.UTF8.GetBytes(variant), out InodeNumber _);
                Assert.True(error == Errno.Ok, $"{variant} of {name}: {error}");
            }
            Assert.Equal(Errno.NoEntry, volume.Lookup(directory, Encoding.UTF8.GetBytes(name + "!"), out InodeNumber _));
        }
        Assert.Equal(encoding.Length == 0 ? Errno.NoEntry : Errno.Invalid,
            volume.Lookup(directory, [0x41, 0xFF], out InodeNumber _));
        List<Listing.Entry> listed = Listing.All(volume, directory, 10);
        Assert.Equal(names.Order(StringComparer.Ordinal),
            listed.Where(entry => !entry.IsDot).Select(entry => Encoding.UTF8.GetString(entry.Name)).Order(StringComparer.Ordinal));
    }

    /// <summary>Names as random operations make, rename and remove them; e2fsck knows folded hashes and names that are
    /// there twice.</summary>
    [Theory]
    [InlineData("-b 4096 -O casefold", false, 6_000, 150)]
    [InlineData("-b 1024 -O casefold", false, 12_000, 2500)]
    [InlineData("-b 1024 -O casefold -E encoding=utf8-12.1,encoding_flags=strict", true, 8_000, 1000)]
    [InlineData("-b 2048 -O casefold,^dir_index,^metadata_csum", false, 4_000, 300)]
    [InlineData("-b 1024 -O casefold,inline_data,large_dir -E encoding_flags=strict", true, 6_000, 60)]
    [InlineData("-b 1024 -O casefold,^has_journal,^filetype", false, 6_000, 800)]
    public void Random_operations_answer_as_a_model_does(string options, bool isStrict, int steps, int nameKinds)
    {
        LibExt2Fs.SkipUnlessPresent();
        int seed = Environment.TickCount;
        var random = new Random(seed);
        using var image = new TestImage($"-t ext4 -N 20000 {options}", 64L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            // e2fsck 1.47 does not hash folded names that are not UTF-8, and then calls an index with them damaged.
            bool hasInvalid = isStrict || options.Contains("^dir_index", StringComparison.Ordinal);
            var names = new FoldedNames(random, nameKinds) { HasInvalid = hasInvalid };
            NameModel model = NameModel.BeginFolded(volume, random, names, isStrict);
            try
            {
                while (model.Done < steps)
                {
                    model.Step();
                }
                model.AssertSame();
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {seed}, step {model.Done}", failure);
            }
        }
        image.AssertClean();
    }

    /// <summary>What e2fsck is relied on for: it does notice.</summary>
    [Fact]
    public void E2fsck_notices_a_hash_of_the_unfolded_name()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O casefold", 32L << 20);
        List<string> names = MakeNames();
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(
                InodeNumber.Root, "d"u8, 0x1ED, new Caller(0, 0), out InodeAttributes made));
            foreach (string name in names)
            {
                Assert.Equal(Errno.Ok, volume.Create(
                    made.Number, Encoding.UTF8.GetBytes(name), 0x1A4, new Caller(0, 0), out _));
            }
        }
        image.AssertClean();
        // The index of an ordinary directory, taken for a casefolded one's.
        Debugfs.Write(image.Path, $"set_inode_field d flags {CasefoldExtentsAndIndex}");
        Assert.Equal(4, Tool.Run("e2fsck", "-f", "-n", image.Path).ExitCode);
    }

    [Fact]
    public void Casefolding_is_for_directories_without_names_and_is_inherited()
    {
        using var image = new TestImage("-t ext4 -O casefold", 32L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            var root = new Caller(0, 0);
            Assert.Equal(Errno.Ok, volume.MakeDirectory(InodeNumber.Root, "d"u8, 0x1ED, root, out InodeAttributes top));
            Assert.Equal(Errno.Ok, volume.Create(top.Number, "file"u8, 0x1A4, root, out InodeAttributes file));
            Assert.Equal(Errno.NotEmpty, volume.SetFlags(top.Number, top.Flags | InodeFlags.Casefold));
            Assert.Equal(Errno.NotDirectory, volume.SetFlags(file.Number, file.Flags | InodeFlags.Casefold));
            Assert.Equal(Errno.Ok, volume.Unlink(top.Number, "file"u8));
            Assert.Equal(Errno.Ok, volume.SetFlags(top.Number, top.Flags | InodeFlags.Casefold));
            Assert.Equal(Errno.Ok, volume.MakeDirectory(top.Number, "Sub"u8, 0x1ED, root, out InodeAttributes sub));
            Assert.True((sub.Flags & InodeFlags.Casefold) != 0);
            Assert.Equal(Errno.Ok, volume.Create(sub.Number, "File"u8, 0x1A4, root, out file));
            Assert.True((file.Flags & InodeFlags.Casefold) == 0);
            Assert.Equal(Errno.Exists, volume.Create(sub.Number, "fILE"u8, 0x1A4, root, out _));
            Assert.Equal(Errno.Ok, volume.Lookup(sub.Number, "FILE"u8, out InodeNumber found));
            Assert.Equal(file.Number, found);
        }
        image.AssertClean();
    }

    [Fact]
    public void Without_the_feature_nothing_is_casefolded()
    {
        using var image = new TestImage("-t ext4", 32L << 20);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(
                InodeNumber.Root, "d"u8, 0x1ED, new Caller(0, 0), out InodeAttributes made));
            Assert.Equal(Errno.NotSupported, volume.SetFlags(made.Number, made.Flags | InodeFlags.Casefold));
        }
        image.AssertClean();
    }

    [Fact]
    public void An_unknown_encoding_is_refused()
    {
        using var image = new TestImage("-t ext4 -O casefold", 16L << 20);
        Debugfs.Write(image.Path, "set_super_value encoding 7");
        Assert.Throws<VolumeRefusedException>(() => Opened.ReadOnly(image.Path));
    }

    private static List<string> MakeNames()
    {
        string[] stems =
        [
            "plain", "Gr\u00F6\u00DFe", "\u00C9clair", "\u03A3\u038A\u03A3\u03A5\u03A6\u039F\u03A3", "\u01C4emal",
            "\uAC01\uD558", "\uFB03ne", "\u1E9Eig", "\u0130stanbul", "CJK-\u6F22\u5B57",
        ];
        var names = new List<string>();
        for (int i = 0; i < 30; i++)
        {
            names.AddRange(stems.Select(stem => $"{stem}{i}"));
        }
        return names;
    }
}
