using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Inodes;

/// <summary>The counts of outside references against a plain dictionary.</summary>
public sealed class RetainedInodesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(20261120)]
    [InlineData(77)]
    public void Random_references_count_like_a_dictionary(int seed)
    {
        var random = new Random(seed);
        var table = new RetainedInodes();
        var model = new Dictionary<uint, ulong>();
        for (int step = 0; step < 200_000; step++)
        {
            // Few numbers, many of them multiples of a group's size: collisions and long probe sequences.
            uint inode = random.Next(3) == 0 ? (uint)random.Next(1, 400) * 8192 : (uint)random.Next(1, 3000);
            ulong held = model.GetValueOrDefault(inode);
            if (random.Next(2) == 0)
            {
                table.Retain(new InodeNumber(inode));
                model[inode] = held + 1;
                continue;
            }
            ulong count = (ulong)random.Next(1, 4);
            Assert.Equal(held <= count, table.Release(new InodeNumber(inode), count));
            if (held <= count)
            {
                model.Remove(inode);
            }
            else
            {
                model[inode] = held - count;
            }
        }
        Assert.Equal(model.Count, table.Count);
        for (uint inode = 1; inode < 400 * 8192; inode += inode < 3000 ? 1u : 8192u - (inode % 8192))
        {
            Assert.Equal(model.ContainsKey(inode), table.IsRetained(new InodeNumber(inode)));
        }
    }

    [Fact]
    public async Task Counts_stay_exact_when_many_threads_share_inodes()
    {
        const int threads = 8;
        const int rounds = 20_000;
        const uint inodes = 97;
        var table = new RetainedInodes();
        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < rounds; i++)
            {
                table.Retain(new InodeNumber((uint)(i % inodes) + 1));
            }
        })));
        Assert.Equal(inodes, table.Count);
        for (uint inode = 1; inode <= inodes; inode++)
        {
            ulong expected = (ulong)threads * ((rounds / inodes) + (inode <= rounds % inodes ? 1u : 0u));
            Assert.False(table.Release(new InodeNumber(inode), expected - 1));
            Assert.True(table.Release(new InodeNumber(inode), 1));
        }
        Assert.Equal(0, table.Count);
    }
}
