using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;
using Fuse4fs.Server.Sources;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>What can be seen of iomap= on a kernel without it, and the loop device that images get for it.</summary>
public sealed class IomapChoiceTests
{
    [Fact]
    public void A_kernel_without_it_is_named_where_it_was_asked_for()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipWhen(IsOffered(), "this kernel has fuse-iomap");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("place");
        ToolResult result = Command.Run("-o", "iomap=on", image.Path, place);
        Assert.Equal(32, result.ExitCode);
        Assert.Equal($"fuse4fs: {image.Path}: iomap=on is not possible: the kernel has no fuse-iomap",
            result.Errors.TrimEnd('\n'));
        Assert.Empty(LoopsOf(image.Path));
    }

    [Fact]
    public void Without_it_data_passes_through_the_server_and_one_line_says_so()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipWhen(IsOffered(), "this kernel has fuse-iomap");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("place");
        string log = image.Directory.Combine("log");
        Assert.Equal(0, Command.Run("-o", "rw", "--log-level", "info", "--log-file", log, image.Path, place).ExitCode);
        Assert.Equal(0, Command.Run("umount", place).ExitCode);
        Assert.Single(File.ReadAllLines(log), line =>
            line.Contains("data passes through the server: the kernel has no fuse-iomap", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public void An_image_gets_a_loop_device_that_goes_with_its_last_user(long offsetBytes)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        const int bytes = 8 << 20;
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        TestImage.CreateSparse(path, bytes);
        byte[] data = [.. Enumerable.Range(0, 4096).Select(static i => (byte)i)];
        Assert.Equal(Errno.Ok, ImageFile.Open(path, isReadOnly: false, offsetBytes, isExclusive: false, out ImageFile? image));
        using (image)
        {
            DirectDevice device = LoopAttachment.Attach(image!, path, blockSizeBytes: 1024);
            using (device)
            {
                string loop = Assert.Single(LoopsOf(path));
                Assert.Equal(device.Path, loop);
                Assert.Equal((bytes - offsetBytes, 0L), (device.LengthBytes, device.OffsetBytes));
                Assert.InRange(device.SectorBytes, 512, 1024);
                Assert.Equal("1", File.ReadAllText($"/sys/block/{Path.GetFileName(loop)}/loop/autoclear").Trim());
                device.Write(4096, data);
                device.Flush();
            }
            Assert.True(SpinWait.SpinUntil(() => LoopsOf(path).Length == 0, TimeSpan.FromSeconds(30)));
        }
        Assert.True(File.ReadAllBytes(path).AsSpan((int)offsetBytes + 4096, data.Length).SequenceEqual(data));
    }

    [Fact]
    public void A_read_only_image_gets_a_read_only_device()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage("-t ext4");
        Assert.Equal(Errno.Ok, ImageFile.Open(image.Path, isReadOnly: true, 0, isExclusive: false, out ImageFile? file));
        using (file)
        {
            using DirectDevice device = LoopAttachment.Attach(file!, image.Path, blockSizeBytes: 4096);
            Assert.True(device.IsReadOnly);
            Assert.Equal("1", File.ReadAllText($"/sys/block/{Path.GetFileName(device.Path)}/ro").Trim());
        }
    }

    private static bool IsOffered()
    {
        Assert.Equal(Errno.Ok, FuseDevice.TryOpen(out FuseDevice? device));
        using (device)
        {
            return IomapIoctls.TryGetSupport(device!, out _) == Errno.Ok;
        }
    }

    private static string[] LoopsOf(string file) =>
        Tool.Check("losetup", "--noheadings", "--output", "NAME", "--associated", file)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
