using System.Buffers.Binary;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>A commit block is larger than what a disk writes as a whole. When its first sector alone arrives, over what
/// an older lap of the log left, everybody must still take the log for whole.</summary>
public sealed class TornCommitTests
{
    private const int SectorBytes = 512;
    private const int BlockBytes = 4096;
    private const int Magic = unchecked((int)0xC03B3998);
    private const int CommitKind = 2;
    private const byte Old = 0xA5;

    [Fact]
    public void A_commit_block_of_which_one_sector_arrived_is_no_damage()
    {
        using var sweep = new CrashSweep($"-t ext4 -b {BlockBytes} -N 256 -J size=4", 16L << 20);
        foreach (LogRun run in JournalMap.RunsOf(sweep.Image.Path))
        {
            // But for the journal superblock.
            int first = run.FirstLogBlock == 0 ? 1 : 0;
            sweep.Initial.AsSpan(
                ((int)run.Start.Value + first) * BlockBytes, ((int)run.LengthBlocks - first) * BlockBytes).Fill(Old);
        }
        int seed = Random.Shared.Next();
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            device.Restart();
            var work = new CrashWorkload(volume, device, seed);
            record = work.Record;
            Assert.True(work.Run(50 * TestScale.Factor));
        }
        int torn = 0;
        for (int cut = 1; cut <= device.StepCount; cut++)
        {
            IReadOnlyList<(int Step, long Offset, int Length)> open = device.UnflushedWrites(cut);
            (int step, long offset, int length) = open.Count > 0 ? open[^1] : default;
            byte[] with = length == BlockBytes && step == cut - 1 ? device.AfterPowerCut(cut, static _ => true) : [];
            if (with.Length == 0 || !IsCommit(with.AsSpan((int)offset)))
            {
                continue;
            }
            byte[] image = device.AfterPowerCut(cut, kept => kept != step);
            bool isOldThere = image.AsSpan((int)offset + SectorBytes, BlockBytes - SectorBytes).ContainsAnyExcept((byte)0);
            Assert.False(isOldThere, $"seed {seed}, step {step}: the place of the commit block was not emptied");
            with.AsSpan((int)offset, SectorBytes).CopyTo(image.AsSpan((int)offset));
            string? wrong = sweep.Judge(image, cut, byE2fsck: torn++ % 2 == 0, record.Check);
            Assert.True(wrong is null, $"seed {seed}, cut after {cut} of {device.StepCount} steps: {wrong}");
        }
        Assert.True(torn > 3, $"only {torn} commits");
    }

    private static bool IsCommit(ReadOnlySpan<byte> block) =>
        BinaryPrimitives.ReadInt32BigEndian(block) == Magic && BinaryPrimitives.ReadInt32BigEndian(block[4..]) == CommitKind;
}
