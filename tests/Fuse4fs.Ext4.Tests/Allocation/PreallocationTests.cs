using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

public sealed class PreallocationTests
{
    [Fact]
    public void What_is_taken_lies_where_the_window_maps_it_and_the_rest_stays()
    {
        var windows = new Preallocation(clusterShift: 0);
        Assert.True(windows.Keep(100, new BlockRun(new FsBlock(5000), 50)).IsEmpty);
        Assert.False(windows.TryTake(99, 1, out _));
        Assert.False(windows.TryTake(150, 1, out _));
        Assert.True(windows.TryTake(120, 10, out BlockRun middle));
        Assert.Equal(new BlockRun(new FsBlock(5020), 10), middle);
        Assert.False(windows.TryTake(120, 1, out _));
        Assert.True(windows.TryTake(100, 1000, out BlockRun before));
        Assert.Equal(new BlockRun(new FsBlock(5000), 20), before);
        Assert.True(windows.TryTake(149, 10, out BlockRun last));
        Assert.Equal(new BlockRun(new FsBlock(5049), 1), last);
        Assert.Equal([new BlockRun(new FsBlock(5030), 19)], windows.TakeAll());
        Assert.Empty(windows.TakeAll());
    }

    [Fact]
    public void Allocation_stops_short_of_the_next_window()
    {
        var windows = new Preallocation(clusterShift: 0);
        windows.Keep(100, new BlockRun(new FsBlock(5000), 50));
        Assert.Equal(10u, windows.Limit(90, 64));
        Assert.Equal(4u, windows.Limit(90, 4));
        Assert.Equal(64u, windows.Limit(150, 64));
    }

    [Fact]
    public void Clusters_are_counted_apart_from_blocks()
    {
        var windows = new Preallocation(clusterShift: 4);
        windows.Keep(10, new BlockRun(new FsBlock(1600), 64));
        Assert.True(windows.TryTake(11, 2, out BlockRun run));
        Assert.Equal(new BlockRun(new FsBlock(1616), 32), run);
    }

    [Fact]
    public void There_are_not_many_windows_and_what_made_room_is_handed_back()
    {
        var windows = new Preallocation(clusterShift: 0);
        var evicted = new List<BlockRun>();
        for (uint i = 0; i < 200; i++)
        {
            BlockRun gone = windows.Keep(i * 100, new BlockRun(new FsBlock(1000 + i), 1));
            if (!gone.IsEmpty)
            {
                evicted.Add(gone);
            }
        }
        List<BlockRun> left = windows.TakeAll();
        Assert.True(left.Count is > 8 and < 200);
        Assert.Equal(200, left.Concat(evicted).Distinct().Count());
    }
}
