using Fuse4fs.Ext4.Inodes;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Inodes;

public sealed class TimestampTests
{
    /// <summary>The boundaries of the document's table. Docs: ext4/inodes, "Inode Timestamps".</summary>
    [Theory]
    [InlineData(0x80000000u, 0u, -0x80000000L)]
    [InlineData(0xFFFFFFFFu, 0u, -1L)]
    [InlineData(0x00000000u, 0u, 0L)]
    [InlineData(0x7FFFFFFFu, 0u, 0x7FFFFFFFL)]
    [InlineData(0x80000000u, 1u, 0x80000000L)]
    [InlineData(0xFFFFFFFFu, 1u, 0xFFFFFFFFL)]
    [InlineData(0x00000000u, 1u, 0x100000000L)]
    [InlineData(0x7FFFFFFFu, 1u, 0x17FFFFFFFL)]
    [InlineData(0x80000000u, 2u, 0x180000000L)]
    [InlineData(0x00000000u, 2u, 0x200000000L)]
    [InlineData(0x80000000u, 3u, 0x280000000L)]
    [InlineData(0x00000000u, 3u, 0x300000000L)]
    [InlineData(0x7FFFFFFFu, 3u, 0x37FFFFFFFL)]
    public void Epoch_bits_extend_the_seconds(uint seconds, uint epoch, long expected)
    {
        var time = new Timestamp(expected, 123_456_789);
        Assert.Equal(time, Timestamp.Decode(seconds, epoch | (123_456_789u << 2)));
        Assert.Equal(seconds, time.EncodeSeconds());
        Assert.Equal(epoch | (123_456_789u << 2), time.EncodeExtra());
    }

    [Fact]
    public void Times_out_of_range_become_the_nearest_that_fits()
    {
        Assert.Equal(new Timestamp(Timestamp.MaximumSeconds, 0), new Timestamp(long.MaxValue, 5).Clamp(hasExtra: true));
        Assert.Equal(new Timestamp(int.MaxValue, 0), new Timestamp(1L << 40, 5).Clamp(hasExtra: false));
        Assert.Equal(new Timestamp(int.MinValue, 0), new Timestamp(long.MinValue, 5).Clamp(hasExtra: true));
        Assert.Equal(new Timestamp(5, 0), new Timestamp(5, 9).Clamp(hasExtra: false));
    }

    [Theory]
    [InlineData(0u, 0u)]
    [InlineData(8u, 1u)]
    [InlineData(255u, 255u)]
    [InlineData(256u, 0u)]
    [InlineData(4095u, 1048575u)]
    [InlineData(7u, 256u)]
    public void Device_numbers_survive_both_encodings(uint major, uint minor)
    {
        var device = new DeviceNumber(major, minor);
        byte[] area = new byte[60];
        device.Encode(area);
        Assert.Equal(device, DeviceNumber.Decode(area));
    }
}
