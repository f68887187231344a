using System.Text;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

/// <summary>On loop devices: what the backing file holds in the end is the judge.</summary>
public sealed class DirectDeviceTests
{
    private const int DeviceBytes = 8 << 20;

    [Theory]
    [InlineData(512, 0)]
    [InlineData(512, 1536)]
    [InlineData(4096, 8192)]
    public void Whatever_range_is_written_the_file_below_holds_it(int sectorBytes, long offsetBytes)
    {
        using var directory = new TemporaryDirectory();
        using LoopDevice loop = Attach(directory, sectorBytes);
        byte[] model = new byte[DeviceBytes];
        var random = new Random(sectorBytes + (int)offsetBytes);
        using (DirectDevice device = Open(loop.Path, isReadOnly: false, offsetBytes))
        {
            Assert.Equal((sectorBytes, DeviceBytes - offsetBytes), (device.SectorBytes, device.LengthBytes));
            Span<byte> volume = model.AsSpan((int)offsetBytes);
            for (int round = 0; round < 100; round++)
            {
                Change(device, volume, random);
                int at = random.Next(volume.Length);
                byte[] back = new byte[random.Next(1, Math.Min(2 << 20, volume.Length - at) + 1)];
                device.Read(at, back);
                Assert.True(volume.Slice(at, back.Length).SequenceEqual(back));
            }
            device.Flush();
        }
        Assert.True(model.AsSpan().SequenceEqual(File.ReadAllBytes(directory.Combine("image"))));
    }

    /// <summary>What is read ahead is what is read, until something is written there.</summary>
    [Theory]
    [InlineData(512, 0)]
    [InlineData(4096, 8192)]
    public void What_is_read_ahead_is_used_and_never_older_than_a_write(int sectorBytes, long offsetBytes)
    {
        const int length = 1 << 20;
        using var directory = new TemporaryDirectory();
        using LoopDevice loop = Attach(directory, sectorBytes);
        using DirectDevice device = Open(loop.Path, isReadOnly: false, offsetBytes);
        byte[] first = new byte[length];
        new Random(1).NextBytes(first);
        device.Write(0, first);
        int called = 0;
        device.Waiting = () => called++;
        device.ReadAhead(0, length);
        Assert.True(SpinWait.SpinUntil(() => device.PiecesAhead * (128 << 10) >= length, TimeSpan.FromMinutes(1)));
        byte[] block = new byte[1024];
        for (int at = 0; at < length / 2; at += block.Length)
        {
            device.Read(at, block);
            Assert.True(first.AsSpan(at, block.Length).SequenceEqual(block), $"{at}");
        }
        Assert.Equal(0, called);        // nobody had to wait for the device
        byte[] second = new byte[length];
        new Random(2).NextBytes(second);
        device.Write(length / 2, second.AsSpan(length / 2));
        for (int at = length / 2; at < length; at += block.Length)
        {
            device.Read(at, block);
            Assert.True(second.AsSpan(at, block.Length).SequenceEqual(block), $"{at}");
        }
    }

    /// <summary>Readers, writers and read-ahead at once, each writer in a part of his own that only he compares.</summary>
    [Fact]
    public void Read_ahead_beside_writes_shows_nothing_old()
    {
        const int parts = 4;
        const int partBytes = 300 << 10;        // pieces are shared by neighbours
        using var directory = new TemporaryDirectory();
        using LoopDevice loop = Attach(directory, 512);
        using DirectDevice device = Open(loop.Path, isReadOnly: false, 0);
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part =>
        {
            var random = new Random(part);
            byte[] model = new byte[partBytes];
            device.Write((long)part * partBytes, model);
            byte[] back = new byte[20_000];
            for (int round = 0; round < 400; round++)
            {
                int at = random.Next(partBytes - back.Length);
                int count = random.Next(1, back.Length);
                if (random.Next(3) == 0)
                {
                    random.NextBytes(model.AsSpan(at, count));
                    device.Write(((long)part * partBytes) + at, model.AsSpan(at, count));
                }
                device.ReadAhead(((long)part * partBytes) + random.Next(partBytes), 256 << 10);
                at = random.Next(partBytes - count);
                device.Read(((long)part * partBytes) + at, back.AsSpan(0, count));
                Assert.True(model.AsSpan(at, count).SequenceEqual(back.AsSpan(0, count)), $"part {part}, round {round}");
            }
        });
    }

    [Fact]
    public void Parts_of_one_sector_are_written_by_many_at_once()
    {
        const int parts = 8;
        using var directory = new TemporaryDirectory();
        using LoopDevice loop = Attach(directory, 4096);
        using DirectDevice device = Open(loop.Path, isReadOnly: false, 0);
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part =>
        {
            byte[] bytes = new byte[512];
            for (int round = 1; round <= 100; round++)
            {
                bytes.AsSpan().Fill((byte)((part << 4) + (round & 15)));
                device.Write(part * bytes.Length, bytes);
            }
        });
        byte[] sector = new byte[4096];
        device.Read(0, sector);
        for (int at = 0; at < sector.Length; at++)
        {
            Assert.Equal((at / 512 << 4) + (100 & 15), sector[at]);
        }
    }

    [Fact]
    public void Nothing_is_written_outside_or_read_only()
    {
        using var directory = new TemporaryDirectory();
        using LoopDevice loop = Attach(directory, 512);
        using (DirectDevice device = Open(loop.Path, isReadOnly: false, 0))
        {
            Errno outside = Assert.Throws<DeviceException>(() => device.Write(DeviceBytes - 100, new byte[200])).Error;
            Assert.Equal(Errno.InputOutput, outside);
            Assert.Equal(Errno.InputOutput, Assert.Throws<DeviceException>(() => device.Read(DeviceBytes, new byte[1])).Error);
            Assert.Equal(Errno.Busy, DirectDevice.Open(loop.Path, isReadOnly: true, 0, out _));
        }
        using DirectDevice second = Open(loop.Path, isReadOnly: true, 0);
        Assert.Equal(Errno.ReadOnly, Assert.Throws<DeviceException>(() => second.Write(0, new byte[1])).Error);
    }

    [Fact]
    public void What_is_no_place_on_a_device_is_refused()
    {
        using var directory = new TemporaryDirectory();
        using LoopDevice loop = Attach(directory, 512);
        Assert.Equal(Errno.Invalid, DirectDevice.Open(loop.Path, isReadOnly: true, 100, out _));
        Assert.Equal(Errno.Invalid, DirectDevice.Open(loop.Path, isReadOnly: true, DeviceBytes + 512, out _));
        Assert.Equal(Errno.NotBlockDevice, DirectDevice.Open(directory.Combine("image"), isReadOnly: true, 0, out _));
        Assert.Equal(Errno.NoEntry, DirectDevice.Open("/dev/no-such-device", isReadOnly: true, 0, out _));
    }

    /// <summary>Also blocks smaller than a sector: slow, but right.</summary>
    [Theory]
    [InlineData("-t ext4 -b 1024", 512)]
    [InlineData("-t ext4 -b 4096", 4096)]
    [InlineData("-t ext4 -b 1024", 4096)]
    [InlineData("-t ext2 -b 1024", 512)]
    public void What_the_engine_writes_through_it_the_kernel_reads(string options, int sectorBytes)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage(options);
        var contents = new Dictionary<string, byte[]>();
        using (var loop = new LoopDevice(image.Path, $"--sector-size={sectorBytes}"))
        using (Volume volume = Volume.Open(Open(loop.Path, isReadOnly: false, 0), new VolumeOptions()))
        {
            Assert.False(volume.IsReadOnly);
            var random = new Random(sectorBytes);
            for (int i = 0; i < 200; i++)
            {
                byte[] name = Encoding.ASCII.GetBytes($"file-{i}");
                byte[] data = new byte[random.Next(100_000)];
                random.NextBytes(data);
                Assert.Equal(Errno.Ok, volume.Create(
                    InodeNumber.Root, name, 0x1A4, new Caller(0, 0), out InodeAttributes made));
                Assert.Equal(Errno.Ok, volume.Write(made.Number, 0, data, new WriteOptions(), out _));
                contents[$"file-{i}"] = data;
            }
            Assert.Equal(Errno.Ok, volume.SyncAll());
        }
        image.AssertClean();
        using var mount = new LoopMount(image.Path, "ro", options[3..7]);
        foreach ((string name, byte[] data) in contents)
        {
            Assert.True(data.AsSpan().SequenceEqual(File.ReadAllBytes(mount.Combine(name))), name);
        }
    }

    private static void Change(DirectDevice device, Span<byte> volume, Random random)
    {
        int unit = random.Next(4) switch { 0 => 1, 1 => device.SectorBytes, 2 => 1024, _ => 4096 };
        int at = random.Next((volume.Length - 1) / unit) * unit;
        int most = Math.Min(volume.Length - at, random.Next(10) == 0 ? 3 << 20 : 20_000);
        Span<byte> range = volume.Slice(at, Math.Max(1, most / unit * unit));
        byte[] data = new byte[range.Length];
        switch (random.Next(8))
        {
            case 0:
                device.WriteZeros(at, range.Length);
                break;
            case < 4:
                random.NextBytes(data);
                var pieces = new List<ReadOnlyMemory<byte>>();
                for (int done = 0; done < data.Length;)
                {
                    int piece = Math.Min(data.Length - done, random.Next(1, 20) * unit);
                    pieces.Add(data.AsMemory(done, piece));
                    done += piece;
                }
                device.WriteVectored(at, pieces.ToArray());
                break;
            default:
                random.NextBytes(data);
                device.Write(at, data);
                break;
        }
        data.CopyTo(range);
    }

    private static LoopDevice Attach(TemporaryDirectory directory, int sectorBytes)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        string path = directory.Combine("image");
        TestImage.CreateSparse(path, DeviceBytes);
        return new LoopDevice(path, $"--sector-size={sectorBytes}");
    }

    private static DirectDevice Open(string path, bool isReadOnly, long offsetBytes)
    {
        Assert.Equal(Errno.Ok, DirectDevice.Open(path, isReadOnly, offsetBytes, out DirectDevice? device));
        return device!;
    }
}
