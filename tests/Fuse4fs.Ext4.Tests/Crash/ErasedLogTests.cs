using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>The log is zeroed in the middle of work: nothing of it is left, nothing is lost, and it goes on.</summary>
public sealed class ErasedLogTests
{
    private const string Small = "-t ext4 -b 1024 -N 256 -J size=1";

    [Theory]
    [InlineData(Small, LogErasing.Zero)]
    [InlineData(Small + " -O fast_commit", LogErasing.Zero)]
    [InlineData("-t ext3 -b 1024 -N 256 -J size=1", LogErasing.Discard)]
    public void A_crash_loses_nothing(string options, LogErasing kind)
    {
        using var sweep = new CrashSweep(options, 6L << 20);
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            var script = new CrashScript(volume, device);
            script.Start();
            for (int i = 0; i < 6; i++)
            {
                InodeNumber file = script.Create(InodeNumber.Root, $"file{i}");
                script.Write(file, 0, 2500, (byte)(0x60 + i));
                if (i % 2 == 0)
                {
                    script.Sync(file);
                }
                if (i is 2 or 3)
                {
                    Assert.Equal(Errno.Ok, volume.Checkpoint(isTry: false, kind));
                    script.SyncAll();
                }
            }
            script.SyncAll();
            record = script.Record;
        }
        int seed = Random.Shared.Next();
        string? wrong = sweep.CutEverywhere(device, new Random(seed), record.Check);
        Assert.True(wrong is null, $"{options}, seed {seed}: {wrong}");
    }

    [Fact]
    public void Nothing_of_the_log_is_left()
    {
        using var image = new TestImage(Small, 16L << 20);
        IReadOnlyList<LogRun> runs = JournalMap.RunsOf(image.Path);
        var device = MemoryDevice.Load(image.Path);
        using Volume volume = Volume.Open(device, new VolumeOptions());
        Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, "file"u8, 0x1A4, new Caller(0, 0), out _));
        Assert.Equal(Errno.Ok, volume.SyncAll());
        Assert.Contains(Log(device, runs), static one => one != 0);
        Assert.Equal(Errno.Ok, volume.Checkpoint(isTry: true, LogErasing.Zero));
        Assert.Contains(Log(device, runs), static one => one != 0);
        Assert.Equal(Errno.Ok, volume.Checkpoint(isTry: false, LogErasing.Zero));
        Assert.DoesNotContain(Log(device, runs), static one => one != 0);
        // Of the volume that stood still for somebody else, nothing is erased, and nothing ends that.
        Assert.Equal(Errno.Ok, volume.Freeze());
        Assert.Equal(Errno.Busy, volume.Checkpoint(isTry: false, LogErasing.Zero));
        Assert.Equal(Errno.Busy, volume.Freeze());
        Assert.Equal(Errno.Ok, volume.Thaw());
        Assert.Equal(Errno.Ok, volume.SyncAll());
    }

    /// <summary>Everything but the journal superblock.</summary>
    private static byte[] Log(MemoryDevice device, IReadOnlyList<LogRun> runs)
    {
        const int block = 1024;
        var bytes = new List<byte>();
        foreach (LogRun run in runs)
        {
            byte[] part = new byte[run.LengthBlocks * block];
            device.Read((long)run.Start.Value * block, part);
            bytes.AddRange(run.FirstLogBlock == 0 ? part[block..] : part);
        }
        return [.. bytes];
    }
}
