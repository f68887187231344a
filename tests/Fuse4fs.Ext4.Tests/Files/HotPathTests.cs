using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Tests.Mapping;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>What a server does all day makes no garbage.</summary>
public sealed class HotPathTests
{
    [Theory]
    [InlineData(4096, false)]
    [InlineData(65536, false)]
    [InlineData(1024, true)]
    public void Reading_overwriting_and_appending_allocate_nothing(int size, bool isAppending)
    {
        using var image = new WritableVolume("-t ext4 -b 1024", 64L << 20);
        byte[] data = new byte[size];
        byte[] back = new byte[size];
        var options = new WriteOptions { IsCached = true };
        var runs = new DataRun[16];
        long Rounds(int rounds, long start)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < rounds; i++)
            {
                long offset = isAppending ? start + ((long)i * size) : (long)(i % 50) * size;
                image.Volume.Write(image.File, offset, data, in options, out int written);
                image.Volume.Read(image.File, offset, back, out int count);
                Errno error = image.Volume.MapForRead(image.File, offset, size, runs, out _, out int bytes);
                if (error != Errno.Ok || written != size || count != size || bytes != size)
                {
                    return -1;
                }
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        const int Count = 1500;
        Rounds(200, 0);
        long allocated = Rounds(Count, 200L * size);
        // Tables (of the transaction, of caches) grow now and then; even the smallest object per round would be more.
        Assert.InRange(allocated, 0, Count * 12);
        image.CloseAndCheck();
    }
}
