using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>A journal full of lies is refused or replayed, but never crashes or hangs its reader; and a log that is
/// found damaged changes nothing.</summary>
public class HostileJournalTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8);

    [Theory]
    [InlineData("-t ext3 -b 1024 -J size=1", "")]
    [InlineData("-t ext4 -b 1024 -J size=1", "")]
    [InlineData("-t ext4 -b 4096 -O fast_commit,^metadata_csum", "commit=600")]
    public void Mutated_logs_end_in_documented_errors(string makeOptions, string mountOptions)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, mountOptions);
        byte[] original = File.ReadAllBytes(image.Path);
        List<LogRun> runs = JournalMap.RunsOf(image.Path);
        int blockBytes = JournalMap.ReadGeometry(new MemoryDevice(original)).BlockSizeBytes;
        int seed = Environment.TickCount & 0xFFFFFF;
        int refused = 0;
        int i = 0;
        Deadline.Run(s_patience * TestScale.Factor, () =>
        {
            for (; i < 150 * TestScale.Factor; i++)
            {
                byte[] mutant = (byte[])original.Clone();
                Mutate(mutant, runs, blockBytes, new Random(seed + i));
                refused += OpenAndWalk(mutant) ? 0 : 1;
            }
        }, () => $"seed {seed + i}");
        Assert.InRange(refused, 1, (150 * TestScale.Factor) - 1);
    }

    [Fact]
    public void A_damaged_log_changes_nothing()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make("-t ext4 -b 1024");
        byte[] bytes = File.ReadAllBytes(image.Path);
        var device = new MemoryDevice(bytes);
        JournalSource journal = JournalMap.Open(image.Path, device);
        // A byte of the first logged block: its commit block is there, so this is damage and not the end of the log.
        List<LogRun> runs = JournalMap.RunsOf(image.Path);
        bytes[((int)runs[0].Start.Value + (int)journal.StartBlock + 1) * 1024] ^= 0x55;
        byte[] before = (byte[])bytes.Clone();
        Ext4CorruptException damage = Assert.Throws<Ext4CorruptException>(
            () => JournalRecovery.Run(journal, device, JournalMap.ReadGeometry(device).BlockCount));
        Assert.Equal(Corruption.JournalChecksum, damage.Kind);
        Assert.Equal(before, bytes);
    }

    /// <summary>False when the volume was refused.</summary>
    private static bool OpenAndWalk(byte[] image)
    {
        try
        {
            using Volume volume = Volume.Open(
                new OverlayDevice(new MemoryDevice(image), 1024), new VolumeOptions { ReadOnly = true });
            try
            {
                VolumeTree.Capture(volume);
            }
            catch (Exception damage) when (damage is Ext4CorruptException or DeviceException
                or Xunit.Sdk.EqualException or Xunit.Sdk.TrueException)
            {
                // What a replayed lie does to the tree shows when it is read.
            }
            return true;
        }
        catch (VolumeRefusedException)
        {
            return false;
        }
    }

    /// <summary>Changes journal blocks where they have structure: mostly the first bytes, tags and counts.</summary>
    private static void Mutate(byte[] image, List<LogRun> runs, int blockBytes, Random random)
    {
        LogRun run = runs[random.Next(runs.Count)];
        for (int i = random.Next(1, 12); i > 0; i--)
        {
            bool nearStart = random.Next(3) > 0;
            uint block = (uint)random.Next((int)Math.Min(run.LengthBlocks, nearStart ? 200u : uint.MaxValue));
            int offset = random.Next(2) == 0 ? random.Next(64) : random.Next(blockBytes);
            int at = ((int)run.Start.Value + (int)block) * blockBytes;
            switch (random.Next(3))
            {
                case 0:
                    image[at + offset] = (byte)random.Next(256);
                    break;
                case 1:
                    image[at + offset] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    int from = ((int)run.Start.Value + random.Next((int)Math.Min(run.LengthBlocks, 200u))) * blockBytes;
                    image.AsSpan(from, blockBytes).ToArray().CopyTo(image, at);
                    break;
            }
        }
    }
}
