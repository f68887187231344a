using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>A log that goes round its end, with much to replay on both sides of it, also where the volume could have
/// fast commits behind it: e2fsck, the kernel and we find all of it.</summary>
public sealed class WrappedLogTests
{
    private const int Commits = 420;
    private const int CommitsPerCrash = 20;

    [Theory]
    [InlineData("-t ext4 -b 4096 -N 1024 -J size=5 -O fast_commit")]
    [InlineData("-t ext4 -b 4096 -N 1024 -J size=5")]
    public void Everybody_replays_it(string options)
    {
        using var sweep = new CrashSweep(options, 24L << 20);
        RecordingDevice device = sweep.NewDevice();
        var volumeOptions = new VolumeOptions
        {
            Journal = new JournalOptions { CheckpointAge = TimeSpan.FromHours(1) },
        };
        using Volume volume = Volume.Open(device, volumeOptions);
        for (int i = 1; i <= Commits; i++)
        {
            Assert.Equal(Errno.Ok, volume.Create(
                InodeNumber.Root, CrashScript.Name($"file{i}"), 0x1A4, new Caller(0, 0), out InodeAttributes made));
            Assert.Equal(Errno.Ok, SyncWaiter.Sync(volume, made.Number, isDataOnly: false));
            if (i % CommitsPerCrash == 0)
            {
                Check(sweep, device.Contents(), i);
            }
        }
    }

    private static void Check(CrashSweep sweep, byte[] crashed, int files)
    {
        string? Count(Volume volume, int expected)
        {
            string[] lines = SeenTree.Capture(volume, withContents: false).Names.Split('\n');
            int found = lines.Count(line => line.StartsWith("/file", StringComparison.Ordinal));
            return found == expected ? null : $"{found} files of {expected}";
        }

        Assert.Null(sweep.Judge(crashed, files, byE2fsck: false, Count));
        Assert.Null(sweep.Judge(crashed, files, byE2fsck: true, Count));
        if (Host.NoKernelExt4 is null)
        {
            File.WriteAllBytes(sweep.Image.Path, crashed);
            using var mount = new LoopMount(sweep.Image.Path);
            Assert.Equal(files, Directory.GetFiles(mount.MountPoint, "file*").Length);
        }
    }
}
