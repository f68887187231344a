using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

public sealed class ImageFileTests
{
    [Fact]
    public void What_was_written_behind_the_offset_is_read_back()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        TestImage.CreateSparse(path, (1 << 20) + 4096);
        byte[] data = new byte[300_000];
        new Random(1).NextBytes(data);
        using (ImageFile device = VolumeOpening.Device(path, isReadOnly: false, offsetBytes: 4096))
        {
            Assert.Equal(1 << 20, device.LengthBytes);
            device.Write(1000, data.AsSpan(0, 100_000));
            var pieces = new List<ReadOnlyMemory<byte>>();
            for (int at = 100_000; at < data.Length; at += 100)
            {
                pieces.Add(data.AsMemory(at, 100));
            }
            device.WriteVectored(101_000, pieces.ToArray());
            device.Flush();
            byte[] back = new byte[data.Length];
            device.Read(1000, back);
            Assert.Equal(data, back);
            device.WriteZeros(1000, 5000);
            device.Discard(8192, 4096);
        }
        byte[] whole = File.ReadAllBytes(path);
        Assert.True(whole.AsSpan(4096, 6000).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(data.AsSpan(20_000), whole.AsSpan(4096 + 1000 + 20_000, data.Length - 20_000));
    }

    [Fact]
    public void Nothing_is_written_outside_or_read_only()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        TestImage.CreateSparse(path, 8192);
        using ImageFile device = VolumeOpening.Device(path, isReadOnly: false);
        Assert.Equal(Errno.InputOutput, Assert.Throws<DeviceException>(() => device.Write(8000, new byte[200])).Error);
        Assert.Equal(Errno.InputOutput, Assert.Throws<DeviceException>(() => device.Read(8192, new byte[1])).Error);
        using ImageFile second = VolumeOpening.Device(path);
        Assert.Equal(Errno.ReadOnly, Assert.Throws<DeviceException>(() => second.Write(0, new byte[1])).Error);
    }

    [Fact]
    public void An_image_cut_short_under_us_is_an_input_output_error()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        TestImage.CreateSparse(path, 8192);
        using ImageFile device = VolumeOpening.Device(path);
        using (FileStream stream = File.OpenWrite(path))
        {
            stream.SetLength(5000);
        }
        Assert.Equal(Errno.InputOutput, Assert.Throws<DeviceException>(() => device.Read(4096, new byte[4096])).Error);
    }

    [Fact]
    public void Neither_directories_nor_missing_files_are_images()
    {
        using var directory = new TemporaryDirectory();
        Assert.Equal(Errno.IsDirectory, ImageFile.Open(directory.Path, true, 0, false, out _));
        Assert.Equal(Errno.NoEntry, ImageFile.Open(directory.Combine("none"), true, 0, false, out _));
    }

    [Fact]
    public void A_block_device_has_its_size_and_takes_zeros()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        TestImage.CreateSparse(path, 1 << 20);
        string loop = Tool.Check("losetup", "--find", "--show", path).Trim();
        try
        {
            Assert.Equal(Errno.Ok, ImageFile.Open(loop, false, 0, isExclusive: true, out ImageFile? device));
            using (device)
            {
                Assert.True(device!.IsBlockDevice);
                Assert.Equal(1 << 20, device.LengthBytes);
                device.Write(0, Enumerable.Repeat((byte)7, 16384).ToArray());
                device.WriteZeros(4096, 4096);
                device.Discard(8192, 4096);
                byte[] back = new byte[8192];
                device.Read(0, back);
                Assert.Equal(Enumerable.Repeat((byte)7, 4096), back[..4096]);
                Assert.Equal(new byte[4096], back[4096..]);
                device.Flush();
            }
        }
        finally
        {
            Tool.Check("losetup", "--detach", loop);
        }
    }
}
