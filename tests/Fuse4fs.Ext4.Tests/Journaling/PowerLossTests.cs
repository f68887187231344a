using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Whatever was made durable is there after a power cut at any moment; whatever was not is there as a whole or
/// not at all. And: a journal that leaves out one step is caught.</summary>
public class PowerLossTests
{
    private const string Small = "-t ext4 -b 1024 -N 16 -J size=1";
    private static readonly int s_seed = Environment.TickCount & 0xFFFFFF;

    [Theory]
    [InlineData(Small, 8)]
    [InlineData("-t ext4 -b 4096 -N 16 -J size=4", 12)]
    [InlineData("-t ext3 -b 1024 -N 16 -J size=1", 8)]
    public void Nothing_durable_is_lost_at_any_cut(string options, int megabytes)
    {
        using var image = new TestImage(options, (long)megabytes << 20);
        for (int round = 0; round < 4 * TestScale.Factor; round++)
        {
            var sweep = new PowerLossSweep(image.Path, s_seed + (round * 100));
            Assert.Null(sweep.Run(JournalFaults.None, 60, 60, sweep.RecoverByUs));
        }
    }

    [Fact]
    public void Nothing_durable_is_lost_when_e2fsck_recovers()
    {
        using var image = new TestImage(Small, 8L << 20);
        var sweep = new PowerLossSweep(image.Path, s_seed);
        string scratch = image.Directory.Combine("crashed");
        Assert.Null(sweep.Run(
            JournalFaults.None, 40, 30, crashed => PowerLossSweep.RecoverByE2fsck(crashed, scratch)));
    }

    [Theory]
    [InlineData(nameof(JournalFaults.SkipFlushBeforeCommit))]
    [InlineData(nameof(JournalFaults.SkipFlushAfterCommit))]
    [InlineData(nameof(JournalFaults.SkipFlushBeforeTail))]
    [InlineData(nameof(JournalFaults.MoveTailEarly))]
    [InlineData(nameof(JournalFaults.DropRevokes))]
    [InlineData(nameof(JournalFaults.KeepFreedOnCheckpointList))]
    public void A_missing_step_is_noticed(string missing)
    {
        JournalFaults faults = missing switch
        {
            nameof(JournalFaults.SkipFlushBeforeCommit) => new JournalFaults { SkipFlushBeforeCommit = true },
            nameof(JournalFaults.SkipFlushAfterCommit) => new JournalFaults { SkipFlushAfterCommit = true },
            nameof(JournalFaults.SkipFlushBeforeTail) => new JournalFaults { SkipFlushBeforeTail = true },
            nameof(JournalFaults.MoveTailEarly) => new JournalFaults { MoveTailEarly = true },
            nameof(JournalFaults.DropRevokes) => new JournalFaults { DropRevokes = true },
            _ => new JournalFaults { KeepFreedOnCheckpointList = true },
        };
        using var image = new TestImage(Small, 8L << 20);
        string? found = null;
        for (int round = 0; round < 12 && found is null; round++)
        {
            var sweep = new PowerLossSweep(image.Path, s_seed + (round * 100));
            found = sweep.Run(faults, 60, 60, sweep.RecoverByUs);
        }
        Assert.NotNull(found);
    }
}
