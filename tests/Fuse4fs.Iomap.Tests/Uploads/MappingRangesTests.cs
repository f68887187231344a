using Fuse4fs.Fuse.Iomap;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Uploads;

/// <summary>Ranges against a model: an array that says of each place which addition covers it.</summary>
public sealed class MappingRangesTests
{
    private const int Places = 200;
    private const int Steps = 4000;

    [Fact]
    public void Ranges_are_those_of_the_model()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var ranges = new MappingRanges();
        int[] owners = new int[Places];
        for (int step = 1; step <= Steps; step++)
        {
            int from = random.Next(Places);
            int to = random.Next(from + 1, Math.Min(Places, from + 30) + 1);
            if (random.Next(3) > 0)
            {
                ranges.Add(from, to);
                // Pieces of an older range on both sides are different ranges from now on.
                int behind = to < Places ? owners[to] : 0;
                for (int i = to; i < Places && behind != 0 && owners[i] == behind; i++)
                {
                    owners[i] = -step;
                }
                owners.AsSpan(from, to - from).Fill(step);
            }
            else
            {
                ranges.Remove(from, to);
                int behind = to < Places ? owners[to] : 0;
                for (int i = to; i < Places && behind != 0 && owners[i] == behind; i++)
                {
                    owners[i] = -step;
                }
                owners.AsSpan(from, to - from).Clear();
            }
            Compare(ranges, owners, random, seed, step);
        }
        ranges.Remove(0, long.MaxValue);
        Assert.Equal(0, ranges.Count);
    }

    private static void Compare(MappingRanges ranges, int[] owners, Random random, int seed, int step)
    {
        int expected = 0;
        for (int i = 0; i < Places; i++)
        {
            expected += owners[i] != 0 && (i == 0 || owners[i - 1] != owners[i]) ? 1 : 0;
        }
        Assert.True(expected == ranges.Count, $"seed {seed}, step {step}: {ranges.Count} ranges, not {expected}");
        int from = random.Next(Places);
        int to = random.Next(from, Places);
        bool covers = Array.TrueForAll(owners[from..to], owner => owner != 0);
        Assert.True(covers == ranges.Covers(from, to), $"seed {seed}, step {step}: {from} to {to}");
    }
}
