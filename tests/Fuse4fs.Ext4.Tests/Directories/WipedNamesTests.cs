using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>A name that was removed, or moved to another block when a directory got an index or a leaf was split, is left
/// in no block. The kernel wipes names since 5.13.</summary>
public sealed class WipedNamesTests
{
    private const int Names = 700;

    [Theory]
    [InlineData("-t ext4 -b 1024", 1024)]
    [InlineData("-t ext4 -b 4096", 4096)]
    [InlineData("-t ext4 -b 1024 -O ^dir_index", 1024)]
    public void Every_name_in_a_block_is_in_use_and_there_once(string options, int blockBytes)
    {
        using var image = new TestImage(options, 16L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        var expected = new List<string>();
        using (Volume volume = Volume.Open(device, new VolumeOptions()))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(
                InodeNumber.Root, "directory"u8, 0x1ED, new Caller(0, 0), out InodeAttributes made));
            for (int i = 0; i < Names; i++)
            {
                Assert.Equal(Errno.Ok, volume.Create(made.Number, NameOf(i), 0x1A4, new Caller(0, 0), out _));
            }
            for (int i = 0; i < Names; i++)
            {
                if (i % 3 == 0)
                {
                    Assert.Equal(Errno.Ok, volume.Unlink(made.Number, NameOf(i)));
                }
                else
                {
                    expected.Add(Encoding.ASCII.GetString(NameOf(i)));
                }
            }
        }
        device.Save(image.Path);
        image.AssertClean();
        var found = new List<string>();
        string numbers = Debugfs.Read(image.Path, "blocks /directory").TrimEnd().Split('\n')[^1];
        foreach (string block in numbers.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int start = int.Parse(block, CultureInfo.InvariantCulture) * blockBytes;
            string text = Encoding.Latin1.GetString(device.Bytes, start, blockBytes);
            found.AddRange(Regex.Matches(text, "name[0-9]{4}").Select(static match => match.Value));
        }
        found.Sort(StringComparer.Ordinal);
        Assert.Equal(expected, found);
    }

    private static byte[] NameOf(int number) => Encoding.ASCII.GetBytes($"name{number:D4}");
}
