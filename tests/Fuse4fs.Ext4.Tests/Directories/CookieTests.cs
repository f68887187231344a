using Fuse4fs.Ext4.Format;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>Positions in a listing outlive changes by others, even an unmount.</summary>
public sealed class CookieTests
{
    [Theory]
    [InlineData("-b 4096", 30, 400)]
    [InlineData("-b 1024", 2000, 4000)]
    [InlineData("-b 1024 -O inline_data", 1, 60)]
    [InlineData("-b 4096 -O ^dir_index", 500, 500)]
    public void A_listing_goes_on_after_the_directory_has_changed(string options, int before, int added)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage("-t ext4 " + options);
        using (var mount = new LoopMount(image.Path))
        {
            Assert.Equal(0, Posix.MakeDirectory(new HostPath(mount.Combine("d")), 0x1ED));
            Make(mount, "kept", before);
            Make(mount, "gone", before / 3);
            mount.Unmount();
        }
        var seen = new Listing();
        ulong cookie = 0;
        ListSome(image, seen, ref cookie, calls: 1 + (before / 14));
        using (var mount = new LoopMount(image.Path))
        {
            for (int i = 0; i < before / 3; i++)
            {
                Assert.Equal(0, Posix.Unlink(new HostPath(mount.Combine($"d/gone{i}"))));
            }
            Make(mount, "added", added);
            mount.Unmount();
        }
        ListSome(image, seen, ref cookie, int.MaxValue);
        string[] names = [.. seen.Entries.Select(entry => System.Text.Encoding.UTF8.GetString(entry.Name))];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(before, names.Count(name => name.StartsWith("kept", StringComparison.Ordinal)));
    }

    private static void ListSome(TestImage image, Listing seen, ref ulong cookie, int calls)
    {
        using Volume volume = Opened.ReadOnly(image.Path);
        InodeNumber directory = Opened.Find(volume, "d");
        while (calls-- > 0 && seen.Continue(volume, directory, 7, ref cookie))
        {
        }
    }

    private static void Make(LoopMount mount, string stem, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(0, Posix.MakeNode(new HostPath(mount.Combine($"d/{stem}{i}")), 0x81A4, 0, 0));
        }
    }
}
