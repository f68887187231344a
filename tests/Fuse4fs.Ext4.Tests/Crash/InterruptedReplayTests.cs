using Fuse4fs.Ext4.Format;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Power fails again while our own crashed image is being mounted: replay, orphans, and all.</summary>
public sealed class InterruptedReplayTests
{
    [Theory]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1")]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=2 -O fast_commit,orphan_file")]
    public void A_second_crash_changes_nothing(string options)
    {
        using var sweep = new CrashSweep(options, 6L << 20);
        byte[] clean = sweep.Initial;
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int round = 0; round < 3; round++)
        {
            sweep.Initial = clean;
            sweep.Initial = Crash(sweep, random);
            SeenTree expected;
            using (Volume volume = Volume.Open(new MemoryDevice((byte[])sweep.Initial.Clone()), new VolumeOptions()))
            {
                expected = SeenTree.Capture(volume);
            }
            RecordingDevice device = sweep.NewDevice();
            Volume.Open(device, sweep.Hasty()).Dispose();
            string? wrong = sweep.CutEverywhere(device, random, (volume, _) => Compare(expected, volume));
            Assert.True(wrong is null, $"{options}, seed {seed}, round {round}: {wrong}");
        }
    }

    private static byte[] Crash(CrashSweep sweep, Random random)
    {
        RecordingDevice device = sweep.NewDevice();
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            Assert.True(new CrashWorkload(volume, device, random.Next()).Run(60));
        }
        IReadOnlyList<int> boundaries = device.FlushBoundaries();
        return device.AfterPowerCut(boundaries[random.Next(boundaries.Count / 2, boundaries.Count)], random);
    }

    private static string? Compare(SeenTree expected, Volume volume)
    {
        SeenTree found = SeenTree.Capture(volume);
        if (found.Names != expected.Names)
        {
            return $"names:\n{found.Names}\ninstead of\n{expected.Names}";
        }
        foreach ((FileKey key, byte[] contents) in expected.Files)
        {
            if (!found.Files[key].AsSpan().SequenceEqual(contents))
            {
                return $"contents of {key}";
            }
        }
        return null;
    }
}
