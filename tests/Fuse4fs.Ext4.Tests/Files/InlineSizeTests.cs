using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>The size of a file that is inside its inode can be any number on an image.</summary>
public sealed class InlineSizeTests
{
    private const long MostBytes = 16 << 20;

    [Theory]
    [InlineData(0x1000)]
    [InlineData(0x7FFF_0000)]
    [InlineData(0x100_0000_0000)]
    public void An_impossible_size_is_damage_and_takes_no_memory(long size)
    {
        using var image = new TestImage("-t ext4 -b 1024 -O inline_data");
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.Combine("small"), "small");
        Debugfs.Write(image.Path, $"write {directory.Combine("small")} file", $"sif /file size {size}");
        using Volume volume = Opened.ForWriting(image.Path);
        InodeNumber file = Opened.Find(volume, "file");
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (Action change in new Action[]
        {
            () => volume.Write(file, 100_000, new byte[1000], default, out _),
            () => volume.Allocate(file, 0, 0, 5000, default),
            () => volume.Truncate(file, 5000, default),
        })
        {
            Exception? thrown = Record.Exception(change);
            Assert.True(thrown is null or Ext4CorruptException, $"{thrown}");
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
        Assert.Equal(Errno.Ok, volume.Journal!.AbortReason);
    }
}
