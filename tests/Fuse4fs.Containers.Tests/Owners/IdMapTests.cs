using Fuse4fs.Server.Identity;

namespace Fuse4fs.Containers.Tests.Owners;

/// <summary>The arithmetic of uidmap= and gidmap=.</summary>
public sealed class IdMapTests
{
    [Fact]
    public void What_is_shown_leads_back_to_what_it_stands_for()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            // Ranges one behind the other on one side, in another order on the other: none overlap.
            uint[] counts = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => (uint)random.Next(1, 5000))];
            int[] order = [.. Enumerable.Range(0, counts.Length)];
            random.Shuffle(order);
            uint image = (uint)random.Next(), shown = (uint)random.Next();
            uint[] starts = new uint[counts.Length];
            foreach (int i in order)
            {
                starts[i] = shown;
                shown += counts[i];
            }
            var fields = new List<string>();
            uint first = image;
            for (int i = 0; i < counts.Length; i++)
            {
                fields.Add($"{image}:{starts[i]}:{counts[i]}");
                image += counts[i];
            }
            Assert.True(IdMap.TryParse(string.Join(':', fields), out IdMap? map));
            for (int i = 0; i < 100; i++)
            {
                uint id = first + (uint)random.NextInt64(image - first);
                Assert.True(map!.TryImage(map.Shown(id), out uint back));
                Assert.Equal(id, back);
            }
            Assert.Equal(IdMap.Overflow, map!.Shown(first - 1));
            Assert.Equal(IdMap.Overflow, map.Shown(image));
            Assert.False(map.TryImage(shown, out _));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0:0")]
    [InlineData("0:0:0")]
    [InlineData("-1:0:1")]
    [InlineData("0:4294967295:1")]
    [InlineData("0:0:10:9:100:1")]
    [InlineData("0:0:10:100:9:1")]
    [InlineData("0:0:10:")]
    public void Malformed_and_ambiguous_maps_are_refused(string text) => Assert.False(IdMap.TryParse(text, out _));
}
