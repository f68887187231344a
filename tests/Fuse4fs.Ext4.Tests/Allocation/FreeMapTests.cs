using Fuse4fs.Ext4.Allocation;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>The search for free runs against a naive one.</summary>
public sealed class FreeMapTests
{
    [Fact]
    public void A_search_finds_the_shortest_run_that_is_long_enough_or_the_longest()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int round = 0; round < 400; round++)
        {
            (FreeMap map, bool[] used) = RandomMap(random);
            int wanted = random.Next(1, 60);
            FreeRun found = map.Find(random.Next(used.Length), wanted, isFirstFit: false, default, []);
            List<FreeRun> runs = RunsOf(used);
            FreeRun[] enough = [.. runs.Where(run => run.Length >= wanted)];
            int expected = enough.Length > 0
                ? enough.Min(run => run.Length)
                : runs.Select(run => run.Length).DefaultIfEmpty(0).Max();
            // A search that starts inside a run may see its tail as a run of its own.
            Assert.True(found.Length == expected || (enough.Length > 0 && found.Length >= wanted),
                $"seed {seed}: {wanted} wanted, {found} found, {expected} expected");
            Assert.True(found.Length == 0 || map.IsFree(found.Start, found.Length), $"seed {seed}: {found} is used");
            Assert.True(enough.Length > 0 || map.LongestBound == expected, $"seed {seed}: bound {map.LongestBound}");
        }
    }

    [Fact]
    public void Bounds_and_counts_hold_through_taking_and_returning()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        (FreeMap map, bool[] used) = RandomMap(random);
        var taken = new List<FreeRun>();
        for (int step = 0; step < 3000; step++)
        {
            if (random.Next(2) == 0 || taken.Count == 0)
            {
                int wanted = random.Next(1, 40);
                FreeRun found = map.Find(random.Next(used.Length), wanted, random.Next(2) == 0, default, []);
                if (found.Length == 0)
                {
                    continue;
                }
                var run = new FreeRun(found.Start, Math.Min(found.Length, wanted));
                map.Take(run.Start, run.Length, isSmall: false);
                Assert.All(Enumerable.Range(run.Start, run.Length), bit => Assert.False(used[bit]));
                Array.Fill(used, true, run.Start, run.Length);
                taken.Add(run);
            }
            else
            {
                int index = random.Next(taken.Count);
                FreeRun run = taken[index];
                taken.RemoveAt(index);
                Assert.True(map.Return(run.Start, run.Length));
                Assert.False(map.Return(run.Start, run.Length));
                Array.Fill(used, false, run.Start, run.Length);
            }
            Assert.Equal(used.Count(bit => !bit), map.FreeClusters);
            int longest = RunsOf(used).Select(run => run.Length).DefaultIfEmpty(0).Max();
            Assert.True(map.LongestBound >= longest, $"seed {seed}: bound {map.LongestBound}, longest {longest}");
        }
    }

    [Fact]
    public void Long_runs_start_on_the_alignment_when_there_is_room()
    {
        var map = new FreeMap(new byte[128], 1024);
        map.Take(0, 10, isSmall: false);
        Assert.Equal(64, map.Find(0, 64, isFirstFit: false, new RunAlignment(64, 0), []).Start);
        Assert.Equal(10, map.Find(0, 1014, isFirstFit: false, new RunAlignment(512, 0), []).Start);
        Assert.Equal(24 - 5, map.Find(0, 24, isFirstFit: false, new RunAlignment(24, 5), []).Start);
    }

    [Fact]
    public void What_lies_behind_a_growing_file_is_left_to_it_while_there_is_anything_else()
    {
        var map = new FreeMap(new byte[128], 1024);
        map.Take(0, 100, isSmall: false);
        map.Take(900, 10, isSmall: false);
        int[] frontiers = [100];
        Assert.Equal(910, map.Find(0, 50, isFirstFit: false, default, frontiers).Start);
        Assert.Equal(500, map.Find(0, 200, isFirstFit: false, default, frontiers).Start);
        map.Take(101, 799, isSmall: false);
        map.Take(910, 114, isSmall: false);
        Assert.Equal(new FreeRun(100, 1), map.Find(0, 1, isFirstFit: true, default, frontiers));
        Assert.Equal(1, map.LongestBound);
    }

    private static (FreeMap Map, bool[] Used) RandomMap(Random random)
    {
        int clusters = 8 * random.Next(8, 128);
        bool[] used = new bool[clusters];
        byte[] bitmap = new byte[(clusters + 63) / 64 * 8];
        for (int bit = 0; bit < clusters; bit += random.Next(1, 50))
        {
            int length = Math.Min(random.Next(1, 30), clusters - bit);
            Array.Fill(used, true, bit, length);
            new BitmapView(bitmap).Set(bit, length);
            bit += length;
        }
        return (new FreeMap(bitmap, clusters), used);
    }

    private static List<FreeRun> RunsOf(bool[] used)
    {
        var runs = new List<FreeRun>();
        int bit = 0;
        while (bit < used.Length)
        {
            int end = bit;
            while (end < used.Length && !used[end])
            {
                end++;
            }
            if (end > bit)
            {
                runs.Add(new FreeRun(bit, end - bit));
            }
            bit = end + 1;
        }
        return runs;
    }
}
