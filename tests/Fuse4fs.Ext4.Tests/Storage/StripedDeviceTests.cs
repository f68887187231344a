using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

/// <summary>A striped device against one array, and against the arithmetic counted out byte by byte.</summary>
public sealed class StripedDeviceTests
{
    private const int Width = 4096;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Every_byte_lies_where_counting_puts_it(int members)
    {
        var layout = new StripeLayout(members, Width);
        long[] next = new long[members];
        int member = 0;
        for (long address = 0; address < members * Width * 5L; address++)
        {
            member = (int)(address / Width % members);
            if (address % 61 == 0)
            {
                int found = layout.Find(address, out long offset, out long rest);
                Assert.Equal((member, next[member], Width - (address % Width)), (found, offset, rest));
                for (int i = 0; i < members; i++)
                {
                    Assert.Equal(next[i], layout.Before(i, address));
                }
            }
            next[member]++;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(100_000)]
    [InlineData(123_456)]
    public void Members_of_a_split_volume_hold_exactly_the_volume(long bytes)
    {
        for (int members = 2; members < 6; members++)
        {
            var layout = new StripeLayout(members, Width);
            long[] lengths = new long[members];
            for (int i = 0; i < members; i++)
            {
                lengths[i] = layout.Before(i, bytes);
            }
            Assert.Equal(bytes, lengths.Sum());
            Assert.Equal(bytes, layout.Length(lengths));
        }
    }

    [Fact]
    public void Whatever_is_written_is_read_like_from_one_device()
    {
        int seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int members = 2; members < 6; members++)
        {
            const int bytes = 300_000;
            var layout = new StripeLayout(members, Width);
            using var striped = new StripedDevice(
                [.. Enumerable.Range(0, members).Select(i => new MemoryDevice(new byte[layout.Before(i, bytes)]))], Width);
            var plain = new MemoryDevice(new byte[bytes]);
            Assert.Equal(bytes, striped.LengthBytes);
            for (int step = 0; step < 400; step++)
            {
                Change(striped, plain, random);
            }
            byte[] all = new byte[bytes];
            striped.Read(0, all);
            Assert.True(all.AsSpan().SequenceEqual(plain.Bytes));
        }
    }

    [Fact]
    public void Nothing_reaches_beyond_the_end()
    {
        using var striped = new StripedDevice(
            [new MemoryDevice(new byte[2 * Width]), new MemoryDevice(new byte[Width])], Width);
        Assert.Equal(3 * Width, striped.LengthBytes);
        Assert.Throws<DeviceException>(() => striped.Read((3 * Width) - 1, new byte[2]));
        Assert.Throws<DeviceException>(() => striped.Write(3 * Width, new byte[1]));
        Assert.Throws<DeviceException>(() => striped.Read(-1, new byte[1]));
    }

    private static void Change(StripedDevice striped, MemoryDevice plain, Random random)
    {
        int offset = random.Next(plain.Bytes.Length);
        int length = random.Next(Math.Min(60_000, plain.Bytes.Length - offset) + 1);
        byte[] data = new byte[length];
        random.NextBytes(data);
        switch (random.Next(4))
        {
            case 0:
                striped.Write(offset, data);
                plain.Write(offset, data);
                break;
            case 1:
                int cut = random.Next(length + 1);
                int second = random.Next(cut, length + 1);
                ReadOnlyMemory<byte>[] pieces = [data.AsMemory(0, cut), data.AsMemory(cut..second), data.AsMemory(second)];
                striped.WriteVectored(offset, pieces);
                plain.WriteVectored(offset, pieces);
                break;
            case 2:
                striped.WriteZeros(offset, length);
                plain.WriteZeros(offset, length);
                break;
            default:
                striped.Read(offset, data);
                Assert.True(data.AsSpan().SequenceEqual(plain.Bytes.AsSpan(offset, length)));
                break;
        }
    }
}
