using Fuse4fs.Ext4.FastCommits;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>The map of a file during a replay, against an array of blocks; and what it costs, in comparisons.</summary>
public class ExtentListTests
{
    private const int FileBlocks = 200;

    [Fact]
    public void It_is_what_an_array_of_blocks_would_be()
    {
        int seed = Environment.TickCount & 0xFFFFFF;
        var random = new Random(seed);
        var list = new ExtentList();
        ulong?[] model = new ulong?[FileBlocks];
        for (int step = 0; step < 3000; step++)
        {
            uint first = (uint)random.Next(FileBlocks);
            uint count = (uint)random.Next(1, Math.Min(40, FileBlocks - (int)first) + 1);
            ulong start = (ulong)random.Next(1000, 1_000_000);
            if (random.Next(3) == 0)
            {
                list.Remove(first, count);
                Array.Clear(model, (int)first, (int)count);
            }
            else
            {
                list.Put(new Extent(first, new FsBlock(start), count, random.Next(2) == 0));
                for (uint i = 0; i < count; i++)
                {
                    model[first + i] = start + i;
                }
            }
            AssertEqual(model, list, $"seed {seed}, step {step}");
        }
    }

    [Fact]
    public void The_last_file_block_can_be_mapped_and_unmapped()
    {
        var list = new ExtentList();
        list.Put(new Extent(uint.MaxValue - 3, new FsBlock(5), 3, IsUnwritten: false));
        list.Remove(uint.MaxValue - 2, uint.MaxValue);
        Assert.Equal(uint.MaxValue - 2, list.EndFileBlock);
        list.Remove(0, uint.MaxValue);
        Assert.Empty(list.Extents);
        Assert.Equal(0u, list.EndFileBlock);
    }

    /// <summary>64 times as many extents: a search that passes over all of them would need 64 times as many comparisons
    /// for a range.</summary>
    [Fact]
    public void A_range_costs_hardly_more_among_many()
    {
        double few = ComparisonsForRange(1000);
        double many = ComparisonsForRange(64_000);
        Assert.True(many < 4 * few, $"{few} comparisons among 1,000 extents, {many} among 64,000");
    }

    private static double ComparisonsForRange(int extents)
    {
        var order = new CountingOrder();
        var list = new ExtentList(order);
        var random = new Random(1);
        for (uint i = 0; i < extents; i++)
        {
            // At random places, as a hostile area would name them: neither all behind nor all before the others.
            uint place = (uint)random.Next(extents) * 4;
            list.Put(new Extent(place, new FsBlock(1000 + ((ulong)i * 4)), 3, IsUnwritten: false));
            list.Remove(place + 1, 1);
            _ = list.Find((uint)random.Next(extents * 4));
        }
        Assert.InRange(list.Extents.Count, extents / 2, extents * 2);
        return order.Comparisons / (3.0 * extents);
    }

    private static void AssertEqual(ulong?[] model, ExtentList list, string when)
    {
        for (uint i = 0; i < FileBlocks; i++)
        {
            Assert.True(model[i] == list.Find(i)?.Value, $"{when}: file block {i}");
        }
        ulong end = 0;
        foreach (Extent extent in list.Extents)
        {
            Assert.True(extent.LengthBlocks > 0 && extent.FirstFileBlock >= end, $"{when}: {extent}");
            end = extent.EndFileBlock;
        }
        Assert.Equal(end, list.EndFileBlock);
        Assert.Equal(model.Count(block => block is not null), list.Joined().Sum(extent => (int)extent.LengthBlocks));
    }

    private sealed class CountingOrder : IComparer<Extent>
    {
        public long Comparisons { get; private set; }

        public int Compare(Extent x, Extent y)
        {
            Comparisons++;
            return x.FirstFileBlock.CompareTo(y.FirstFileBlock);
        }
    }
}
