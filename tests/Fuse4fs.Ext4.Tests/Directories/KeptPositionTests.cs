using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

/// <summary>A listing that goes on from a kept position shows what one would that finds its place anew, whatever has
/// happened to the directory in between.</summary>
public sealed class KeptPositionTests(ITestOutputHelper output)
{
    private const int Lists = 5;

    private static readonly Caller s_root = new(0, 0);

    [Theory]
    [InlineData("-b 1024", 300)]
    [InlineData("-b 1024 -O ^metadata_csum", 1200)]
    [InlineData("-b 4096", 60)]
    [InlineData("-b 4096 -O ^dir_index", 200)]
    public void Kept_and_found_positions_agree_while_names_come_and_go(string options, int names)
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var image = new TestImage("-t ext4 " + options);
        using (Volume volume = Opened.ForWriting(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(InodeNumber.Root, "d"u8, 0x1ED, s_root, out InodeAttributes made));
            var present = new HashSet<int>();
            for (int i = 0; i < names; i++)
            {
                Add(volume, made.Number, present, i);
            }
            for (int i = 0; i < Lists; i++)
            {
                ListWhileItChanges(volume, made.Number, present, random);
            }
        }
        image.AssertClean();
    }

    /// <summary>Threads of their own take the same directory in parts: nobody gets another one's place.</summary>
    [Fact]
    public void Listings_at_once_are_all_complete()
    {
        using var image = new TestImage("-t ext4 -b 1024");
        using Volume volume = Opened.ForWriting(image.Path);
        Assert.Equal(Errno.Ok, volume.MakeDirectory(InodeNumber.Root, "d"u8, 0x1ED, s_root, out InodeAttributes made));
        var present = new HashSet<int>();
        for (int i = 0; i < 500; i++)
        {
            Add(volume, made.Number, present, i);
        }
        Parallel.For(0, 40, i => Assert.Equal(502, Listing.All(volume, made.Number, 3 + (i % 5)).Count));
    }

    private static void ListWhileItChanges(Volume volume, InodeNumber directory, HashSet<int> present, Random random)
    {
        var staying = new HashSet<int>(present);
        var listing = new Listing();
        ulong cookie = 0;
        for (bool goesOn = true; goesOn;)
        {
            if (random.Next(3) == 0)
            {
                Change(volume, directory, present, staying, random);
            }
            int some = random.Next(1, 12);
            ulong before = cookie;
            int count = listing.Entries.Count;
            goesOn = listing.Continue(volume, directory, some, ref cookie);
            // The same again: the kept position has moved on, so the place has to be found.
            var again = new Listing();
            ulong same = before;
            Assert.Equal(goesOn, again.Continue(volume, directory, some, ref same));
            Assert.Equal(Keys(again.Entries), Keys(listing.Entries.Skip(count)));
        }
        string[] listed = [.. listing.Entries.Where(entry => !entry.IsDot).Select(entry => Encoding.UTF8.GetString(entry.Name))];
        Assert.Equal(listed.Length, listed.Distinct().Count());
        Assert.Subset(listed.ToHashSet(), staying.Select(Name).ToHashSet());
    }

    private static IEnumerable<(string, ulong)> Keys(IEnumerable<Listing.Entry> entries) =>
        entries.Select(entry => (entry.Key, entry.NextCookie));

    private static void Change(
        Volume volume, InodeNumber directory, HashSet<int> present, HashSet<int> staying, Random random)
    {
        int number = random.Next(2500);
        if (present.Remove(number))
        {
            staying.Remove(number);
            Assert.Equal(Errno.Ok, volume.Unlink(directory, Encoding.UTF8.GetBytes(Name(number))));
        }
        else
        {
            Add(volume, directory, present, number);
        }
    }

    private static void Add(Volume volume, InodeNumber directory, HashSet<int> present, int number)
    {
        byte[] name = Encoding.UTF8.GetBytes(Name(number));
        Assert.Equal(Errno.Ok, volume.Create(directory, name, 0x1A4, s_root, out _));
        present.Add(number);
    }

    private static string Name(int number) => $"name-{number}-{new string('x', number % 30)}";
}
