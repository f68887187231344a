using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Tests.Directories;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Whose the space is, without a gap; and an end that comes early.</summary>
public sealed class SpaceMapTests
{
    [Theory]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 4096 -O ^flex_bg,^resize_inode")]
    [InlineData("-t ext4 -b 1024 -O bigalloc -C 8192")]
    public void Records_cover_the_volume_and_count_what_is_free(string options)
    {
        using var image = new TestImage(options, 64L << 20);
        using Volume volume = Opened.ForWriting(image.Path);
        VolumeStatistics statistics = volume.Statistics();
        foreach ((ulong first, ulong last) in ((ulong, ulong)[])[(0, ulong.MaxValue), (7, 20_000), (9000, 9000)])
        {
            Assert.Equal(Errno.Ok, volume.MapSpace(
                first, last, TestContext.Current.CancellationToken, out IEnumerable<SpaceRecord> records));
            ulong? next = null;
            ulong free = 0;
            foreach (SpaceRecord record in records)
            {
                Assert.True(next is null ? record.Start.Value <= first : record.Start.Value == next, $"{record}, {next}");
                next = record.End;
                free += record.Owner == SpaceOwner.Free ? record.LengthBlocks : 0;
            }
            Assert.True(next > Math.Min(last, volume.Context.Geometry.BlockCount - 1), $"{next}");
            if (last == ulong.MaxValue)
            {
                Assert.Equal(statistics.FreeBlocks, free);
            }
        }
    }

    [Fact]
    public void A_walk_that_is_called_off_ends()
    {
        using var image = new TestImage("-t ext4 -b 1024", 64L << 20);
        using Volume volume = Opened.ForWriting(image.Path);
        using var called = new CancellationTokenSource();
        called.Cancel();
        Assert.Equal(Errno.Ok, volume.MapSpace(0, ulong.MaxValue, called.Token, out IEnumerable<SpaceRecord> records));
        Assert.DoesNotContain(records, record => record.Owner == SpaceOwner.Free);
    }
}
