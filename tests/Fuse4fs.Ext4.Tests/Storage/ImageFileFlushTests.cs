using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

/// <summary>A device that really loses what it accepted: a loop device over a file for which its file system has no
/// room. The loss shows at the flush, and the kernel tells one of those who ask.</summary>
public sealed class ImageFileFlushTests
{
    private const int Threads = 4;

    [Fact]
    public void Nobody_takes_lost_data_for_durable()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var full = new SmallFileSystem(2L << 20);
        string path = full.Combine("image");
        TestImage.CreateSparse(path, 16L << 20);
        using var loop = new LoopDevice(path);
        Assert.Equal(Errno.Ok, ImageFile.Open(loop.Path, isReadOnly: false, 0, isExclusive: false, out ImageFile? image));
        using (image)
        {
            byte[] data = new byte[8 << 20];
            data.AsSpan().Fill(0x77);
            image!.Write(0, data);
            int told = 0;
            Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, _ =>
            {
                try
                {
                    image.Flush();
                }
                catch (DeviceException failure)
                {
                    Assert.Equal(Errno.InputOutput, failure.Error);
                    Interlocked.Increment(ref told);
                }
            });
            Assert.Equal(Threads, told);
            Assert.Throws<DeviceException>(image.Flush);    // nor does it become durable later
        }
    }
}
