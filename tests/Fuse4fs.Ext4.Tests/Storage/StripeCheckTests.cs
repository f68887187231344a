using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Storage;

/// <summary>Sets made of volumes of mke2fs: the right one passes, one that is not right is refused by name, or it is said
/// that nothing proves the place of what was moved.</summary>
public sealed class StripeCheckTests
{
    private const long Width = 64 << 10;

    private static readonly string[] s_three = ["a", "b", "c"];

    public static TheoryData<string, int> Volumes => new()
    {
        { "-t ext4", 2 },
        { "-t ext4", 4 },
        { "-t ext4 -b 1024", 3 },
        { "-t ext4 -O ^flex_bg -g 8192", 3 },
        { "-t ext3", 3 },
        { "-t ext2 -b 1024", 2 },
        { "-t ext4 -O ^metadata_csum,uninit_bg", 3 },
    };

    [Theory]
    [MemberData(nameof(Volumes))]
    public void The_right_set_passes_and_no_wrong_one_does(string options, int count)
    {
        byte[][] members = Split(options, count);
        string[] names = [.. Enumerable.Range(0, count).Select(i => $"m{i}")];
        Assert.Null(Check(members, names, Width, out IReadOnlyList<string> unproven));
        foreach (int[] order in Orders(count))
        {
            string[] moved = [.. order.Where((from, to) => from != to).Select(i => names[i])];
            string? problem = Check([.. order.Select(i => members[i])], [.. order.Select(i => names[i])], Width, out _);
            if (problem is null)
            {
                Assert.All(moved, name => Assert.Contains(name, unproven));
            }
            else
            {
                Assert.Contains(moved, name => problem.Contains(name, StringComparison.Ordinal));
            }
        }
    }

    /// <summary>A checksum on everything and inodes on every member: nothing is left to chance.</summary>
    [Fact]
    public void A_full_volume_proves_the_place_of_every_member()
    {
        using var tree = new TemporaryDirectory();
        for (int i = 0; i < 4000; i++)
        {
            File.WriteAllText(tree.Combine($"file{i}"), "content");
        }
        byte[][] members = Split("-t ext4 -N 8192", 4, tree.Path);
        string[] names = ["a", "b", "c", "d"];
        Assert.Null(Check(members, names, Width, out IReadOnlyList<string> unproven));
        Assert.Empty(unproven);
        foreach (int[] order in Orders(4))
        {
            string? problem = Check([.. order.Select(i => members[i])], [.. order.Select(i => names[i])], Width, out _);
            Assert.Equal(order.SequenceEqual([0, 1, 2, 3]), problem is null);
        }
        Assert.NotNull(Check(members, names, Width / 2, out _));
        Assert.NotNull(Check(members, names, Width * 2, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_short_member_is_named(int index)
    {
        byte[][] members = Split("-t ext4", 3);
        members[index] = members[index][..^1];
        string? problem = Check(members, s_three, Width, out _);
        Assert.StartsWith($"{"abc"[index]}: too short", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_missing_member_is_missed(int index)
    {
        byte[][] members = Split("-t ext4", 3);
        string? problem = Check(
            [.. members.Where((_, i) => i != index)], [.. s_three.Where((_, i) => i != index)], Width, out _);
        Assert.Contains(index == 0 ? "not the first member" : "a member is missing", problem, StringComparison.Ordinal);
    }

    private static string? Check(
        byte[][] members, string[] names, long width, out IReadOnlyList<string> unproven)
    {
        using var set = new StripedDevice([.. members.Select(bytes => new MemoryDevice(bytes))], width);
        return StripeCheck.FindProblem(set, names, out unproven);
    }

    private static byte[][] Split(string options, int count, string? contents = null)
    {
        using var image = new TestImage(options, 48L << 20, contents);
        var layout = new StripeLayout(count, Width);
        byte[] bytes = File.ReadAllBytes(image.Path);
        using var set = new StripedDevice(
            [.. Enumerable.Range(0, count).Select(i => new MemoryDevice(new byte[layout.Before(i, bytes.Length)]))], Width);
        set.Write(0, bytes);
        return [.. set.Members.Select(member => ((MemoryDevice)member).Bytes)];
    }

    private static IEnumerable<int[]> Orders(int count)
    {
        IEnumerable<int[]> orders = [[]];
        for (int place = 0; place < count; place++)
        {
            orders = [.. orders.SelectMany(
                order => Enumerable.Range(0, count).Except(order),
                (order, next) => order.Append(next).ToArray())];
        }
        return orders;
    }
}
