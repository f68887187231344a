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
