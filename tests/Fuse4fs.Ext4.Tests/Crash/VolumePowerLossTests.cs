using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Random work of every kind on whole volumes, cut at every flush and between: what was synced is there, the
/// tree is one that there was, and nothing but a replay is needed. And: a volume that leaves out one step is caught; as
/// to freed blocks see <see cref="WindowTests"/>.
/// FUSE4FS_TEST_SCALE times the everyday number of workloads; 24 make 312.</summary>
public sealed class VolumePowerLossTests
{
    private const int Operations = 70;
    private const int RandomCuts = 30;

    /// <summary>Options for mke2fs, and the smallest size that holds them: every cut copies an image.</summary>
    public static TheoryData<string, long> Images => new()
    {
        { "-t ext4 -b 1024 -N 256 -J size=1", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O orphan_file", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=2 -O fast_commit", 8 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O ^metadata_csum,^64bit", 6 },
        { "-t ext4 -b 4096 -N 256 -J size=4", 16 },
        { "-t ext4 -b 4096 -N 256 -J size=5 -O fast_commit,orphan_file", 16 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O ^dir_index,^flex_bg,^huge_file", 6 },
        { "-t ext4 -b 2048 -N 256 -J size=2 -O ^extra_isize -I 128", 8 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O ea_inode", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O inline_data", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O ^extent,^64bit", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O bigalloc -C 4096", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O quota", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O casefold", 6 },
        { "-t ext4 -b 1024 -N 256 -J size=1 -O quota,project,ea_inode -E quotatype=usrquota:grpquota:prjquota", 8 },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Every_cut_leaves_what_was_promised(string options, long megabytes)
    {
        using var sweep = new CrashSweep(options, megabytes << 20);
        for (int round = 0; round < TestScale.Factor; round++)
        {
            int seed = Random.Shared.Next();
            string? wrong = Run(sweep, seed, sweep.Hasty(), static device => device, Operations, RandomCuts);
            Assert.True(wrong is null, $"{options}, seed {seed}, round {round}: {wrong}");
        }
    }

    [Theory]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1", 6)]
    [InlineData("-t ext4 -b 4096 -N 256 -J size=4 -O inline_data", 16)]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1 -O ^extent,^64bit", 6)]
    public void And_with_journaled_data(string options, long megabytes)
    {
        using var sweep = new CrashSweep(options, megabytes << 20);
        int seed = Random.Shared.Next();
        string? wrong = Run(sweep, seed, sweep.Hasty(DataMode.Journal), static device => device, Operations, RandomCuts);
        Assert.True(wrong is null, $"{options}, seed {seed}: {wrong}");
    }

    [Theory]
    [InlineData(nameof(JournalFaults.SkipFlushBeforeCommit))]
    [InlineData(nameof(JournalFaults.SkipFlushAfterCommit))]
    [InlineData(nameof(JournalFaults.SkipFlushBeforeTail))]
    [InlineData(nameof(JournalFaults.MoveTailEarly))]
    [InlineData(nameof(LateDataDevice))]
    public void A_missing_step_is_noticed(string missing)
    {
        JournalFaults faults = missing switch
        {
            nameof(JournalFaults.SkipFlushBeforeCommit) => new JournalFaults { SkipFlushBeforeCommit = true },
            nameof(JournalFaults.SkipFlushAfterCommit) => new JournalFaults { SkipFlushAfterCommit = true },
            nameof(JournalFaults.SkipFlushBeforeTail) => new JournalFaults { SkipFlushBeforeTail = true },
            nameof(JournalFaults.MoveTailEarly) => new JournalFaults { MoveTailEarly = true },
            _ => JournalFaults.None,
        };
        Func<IBlockDevice, IBlockDevice> wrap = missing == nameof(LateDataDevice)
            ? static device => new LateDataDevice(device)
            : static device => device;
        using var sweep = new CrashSweep("-t ext4 -b 1024 -N 256 -J size=1", 6 << 20);
        string? found = null;
        for (int round = 0; round < 40 && found is null; round++)
        {
            found = Run(sweep, Random.Shared.Next(), sweep.Hasty(faults), wrap, 2 * Operations, RandomCuts);
        }
        Assert.NotNull(found);
    }

    /// <summary>One workload with all its cuts.</summary>
    /// <returns>What was found wrong, or null.</returns>
    private static string? Run(CrashSweep sweep, int seed, VolumeOptions options,
        Func<IBlockDevice, IBlockDevice> wrap, int operations, int randomCuts)
    {
        var random = new Random(seed);
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(wrap(device), options))
        {
            AdvanceLog(volume, random.Next(3) == 0 ? random.Next(400) : 0);
            device.Restart();
            var work = new CrashWorkload(volume, device, seed);
            record = work.Record;
            Assert.True(work.Run(operations), "the volume became read-only");
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        return sweep.Cut(device, random, randomCuts, record.Check);
    }

    /// <summary>Fills the log, so that the work may be where it wraps.</summary>
    private static void AdvanceLog(Volume volume, int commits)
    {
        for (int i = 0; i < commits; i++)
        {
            volume.SetAttributes(InodeNumber.Root, new AttributeChange { AccessTime = TimeChange.ToNow }, out _);
            volume.SyncAll();
        }
    }
}
