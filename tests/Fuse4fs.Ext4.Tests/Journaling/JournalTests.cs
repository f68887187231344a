using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

public class JournalTests
{
    private const string Small = "-t ext4 -b 1024 -N 16 -J size=1";

    [Theory]
    [InlineData("-t ext4 -b 1024 -N 16 -J size=1")]
    [InlineData("-t ext4 -b 4096 -N 16 -J size=4")]
    [InlineData("-t ext4 -b 1024 -N 16 -J size=1 -O ^metadata_csum")]
    [InlineData("-t ext4 -b 1024 -N 16 -J size=1 -O ^metadata_csum,^64bit")]
    [InlineData("-t ext4 -b 1024 -N 16 -J size=2 -O fast_commit")]
    [InlineData("-t ext3 -b 1024 -N 16 -J size=1")]
    [InlineData("-t ext2 -b 1024 -N 16")]
    public void Changes_survive_close_and_many_laps_of_the_log(string options)
    {
        using var image = new TestImage(options, 24L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        var runs = options.Contains("ext2", StringComparison.Ordinal) ? null : JournalMap.RunsOf(image.Path);
        JournaledVolume volume = JournaledVolume.Open(device, runs);
        uint value = 0;
        for (int round = 0; round < 60; round++)
        {
            for (int i = 0; i < 100; i += 4)
            {
                using Handle handle = volume.Begin(4);
                value++;
                for (int j = 0; j < 4; j++)
                {
                    volume.Put(handle, i + j, value);
                }
                handle.Complete();
            }
            if (round % 3 == 0)
            {
                Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(volume.Journal.RunningTransaction));
            }
        }
        Assert.Equal(Errno.Ok, volume.Journal.Close());
        Assert.Equal(0, volume.Journal.CreditOverruns);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal((uint)((59 * 25) + (i / 4) + 1), volume.ValueIn(device.Bytes, i));
        }
        device.Save(image.Path);
        image.AssertClean();
    }

    [Fact]
    public void Threads_share_transactions_and_nothing_is_lost()
    {
        using var image = new TestImage(Small, 24L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            for (uint round = 1; round <= 300; round++)
            {
                uint id;
                using (Handle handle = volume.Begin(8))
                {
                    id = handle.TransactionId;
                    for (int j = 0; j < 8; j++)
                    {
                        volume.Put(handle, (thread * 8) + j, round);
                    }
                    handle.Complete();
                }
                if (round % 10 == 0)
                {
                    Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
                }
            }
        });
        Assert.Equal(Errno.Ok, volume.Journal.Close());
        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(300u, volume.ValueIn(device.Bytes, i));
        }
        device.Save(image.Path);
        image.AssertClean();
    }
}
