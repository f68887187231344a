namespace Fuse4fs.Server.Tests;

/// <summary>The node table against a plain dictionary.</summary>
public sealed class NodeTableTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(20261120)]
    [InlineData(77)]
    public void Random_lookups_and_forgets_count_like_a_dictionary(int seed)
    {
        var random = new Random(seed);
        var table = new NodeTable();
        var model = new Dictionary<uint, ulong>();
        for (int step = 0; step < 200_000; step++)
        {
            // Few numbers, many of them multiples of a group's size: collisions and long probe sequences.
            uint inode = random.Next(3) == 0 ? (uint)random.Next(1, 400) * 8192 : (uint)random.Next(1, 3000);
            if (random.Next(2) == 0)
            {
                Assert.Equal(!model.ContainsKey(inode), table.Remember(inode, inode));
                model[inode] = model.GetValueOrDefault(inode) + 1;
            }
            else
            {
                ulong lookups = (ulong)random.Next(1, 4);
                ulong left = model.GetValueOrDefault(inode);
                Assert.Equal(left > 0 && left <= lookups, table.Forget(inode, lookups));
                if (left <= lookups)
                {
                    model.Remove(inode);
                }
                else
                {
                    model[inode] = left - lookups;
                }
            }
        }
        Assert.Equal(model.Count, table.Count);
        Assert.Equal(model.Keys.Order(), table.Clear().Order());
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task Counts_stay_exact_when_many_threads_share_nodes()
    {
        const int threads = 8;
        const int rounds = 20_000;
        var table = new NodeTable();
        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < rounds; i++)
            {
                table.Remember((uint)(i % 97) + 1, 0);
            }
        })));
        Assert.Equal(97, table.Count);
        for (uint inode = 1; inode <= 97; inode++)
        {
            ulong expected = (ulong)threads * ((rounds / 97) + (ulong)(inode <= rounds % 97 ? 1 : 0));
            Assert.False(table.Forget(inode, expected - 1));
            Assert.True(table.Forget(inode, 1));
        }
        Assert.Equal(0, table.Count);
    }
}
