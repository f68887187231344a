using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>FIBMAP on a fuseblk mount, which swapon(2) goes by, tells what debugfs says; in the unit in which the kernel
/// asks, which may be several blocks.</summary>
public sealed class BlockMapTests
{
    private const int Pages = 24;

    private const string Asker = """
        import array, fcntl, os, sys
        d = os.open(sys.argv[1], os.O_RDONLY)
        def ask(number, value):
            word = array.array('I', [value])
            fcntl.ioctl(d, number, word)
            return word[0]
        print(ask(2, 0))
        for unit in range(int(sys.argv[2])):
            print(ask(1, unit))
        """;

    [Theory]
    [InlineData("-t ext4 -b 4096", 4096)]
    [InlineData("-t ext4 -b 1024", 1024)]
    [InlineData("-t ext2 -b 2048", 2048)]
    public void Blocks_are_where_debugfs_finds_them(string options, int blockBytes)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage(options, 64L << 20);
        using var loop = new LoopDevice(image.Path);
        bool isAny = false;
        foreach (string name in (string[])["long", "odd"])
        {
            string[] told;
            using (var mount = new ServedMount(loop.Path, "rw,fuseblk=on"))
            {
                // The second file follows one of a single block, and has a hole.
                Tool.Shell($"cd {mount.MountPoint}; head -c {Pages * 4096} /dev/urandom > {name}; "
                    + "head -c 700 /dev/urandom > small; sync *; test -e odd && fallocate -p -o 9216 -l 2048 odd || true");
                Tool.Shell($"sync {mount.Combine(name)}");
                ToolResult asked = Tool.Run("python3", "-c", Asker, mount.Combine(name), $"{Pages}");
                Assert.True(asked.ExitCode == 0, asked.ToString());
                told = asked.Output.TrimEnd().Split('\n');
                mount.Unmount();
            }
            int ratio = int.Parse(told[0], CultureInfo.InvariantCulture) / blockBytes;
            List<long> expected = [.. Enumerable.Range(0, Pages).Select(unit => Place(image.Path, name, unit, ratio))];
            Assert.Equal(expected, told[1..].Select(static line => long.Parse(line, CultureInfo.InvariantCulture)));
            isAny |= expected.Exists(static place => place != 0);
        }
        Assert.True(isAny || blockBytes < 4096);    // Where small blocks lie in a unit is left to chance.
        image.AssertClean();
    }

    /// <summary>Where the blocks of a unit are, if they are together at a multiple of their number; else 0.</summary>
    private static long Place(string path, string name, int unit, int ratio)
    {
        long[] places = [.. Enumerable.Range(unit * ratio, ratio).Select(block => long.Parse(
            Debugfs.Read(path, $"bmap /{name} {block}").TrimEnd().Split('\n')[^1].Split(' ')[0], CultureInfo.InvariantCulture))];
        bool isTogether = places.Index().All(place => place.Item != 0 && place.Item == places[0] + place.Index);
        return isTogether && places[0] % ratio == 0 ? places[0] / ratio : 0;
    }
}
