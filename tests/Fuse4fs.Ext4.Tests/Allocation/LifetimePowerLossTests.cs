using System.Globalization;
using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Power cuts while inodes and blocks are allocated, freed and reused, with unlinked files still in use: the
/// image needs nothing but a replay, by us and by e2fsck.</summary>
public sealed class LifetimePowerLossTests
{
    private const int Cuts = 40;
    private const int Rounds = 600;

    /// <param name="options">For mke2fs.</param>
    /// <param name="sizeMib">So little that blocks are used again and again.</param>
    /// <param name="seed">Of the work and the cuts.</param>
    [Theory]
    [InlineData("-t ext4 -b 1024 -J size=1 -N 256 -O orphan_file", 5, 1)]
    [InlineData("-t ext4 -b 1024 -J size=1 -N 256 -O ^orphan_file", 5, 2)]
    [InlineData("-t ext4 -b 1024 -J size=1 -N 512 -O ^orphan_file,^metadata_csum,uninit_bg -G 2", 5, 3)]
    [InlineData("-t ext4 -b 4096 -J size=4 -O meta_bg,^resize_inode", 10, 4)]
    [InlineData("-t ext3 -b 1024 -J size=1 -N 256", 5, 5)]
    [InlineData("-t ext4 -b 1024 -J size=1 -N 256 -O quota,project", 6, 7)]
    [InlineData("-t ext4 -b 1024 -J size=1 -N 256 -O bigalloc -C 4096", 8, 6)]
    public void Every_cut_leaves_an_image_that_a_replay_repairs(string options, int sizeMib, int seed)
    {
        using var image = new TestImage(options, (long)sizeMib << 20);
        long journal = JournalOffsetOf(image);
        var device = new RecordingDevice(File.ReadAllBytes(image.Path))
        {
            // Superblock and journal superblock are smaller than what disks write as a whole.
            IsAtomic = (offset, length) => length <= 512 || (offset <= 1024 && offset + length >= 2048) || offset == journal,
        };
        var random = new Random(seed);
        Work(device, random);
        IReadOnlyList<int> boundaries = device.FlushBoundaries();
        for (int i = 0; i < Cuts; i++)
        {
            int step = i % 2 == 0 ? boundaries[random.Next(boundaries.Count)] : random.Next(device.StepCount);
            byte[] cut = device.AfterPowerCut(step, random);
            string what = $"{options}, seed {seed}, cut {i} at {step} of {device.StepCount}";
            File.WriteAllBytes(image.Path, cut);
            Judge(what, () => E2fsck.RecoverAfterCrash(image.Path));
            File.WriteAllBytes(image.Path, cut);
            var events = new CollectedEvents();
            new WritableImage(image, events).Dispose();
            Assert.True(events.Damages.IsEmpty, $"{what}: {events.Damages.FirstOrDefault()}");
            AssertOwnContents(image, what);
            Judge(what, image.AssertClean);
        }
    }

    /// <summary>Every byte is a hole's or the file's own.</summary>
    private static void AssertOwnContents(TestImage image, string what)
    {
        using Volume volume = VolumeOpening.ReadOnly(image.Path);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] name = Encoding.ASCII.GetBytes($"file{round}");
            if (volume.Lookup(InodeNumber.Root, name, out InodeAttributes attributes) == Errno.Ok)
            {
                byte[] bytes = new byte[attributes.SizeBytes];
                Assert.Equal(Errno.Ok, volume.Read(attributes.Number, 0, bytes, out _));
                int foreign = bytes.AsSpan().IndexOfAnyExcept((byte)0, PatternOf(round));
                Assert.True(foreign < 0, $"{what}: file{round} shows another's byte at {foreign}");
            }
        }
    }

    private static long JournalOffsetOf(TestImage image)
    {
        string first = Debugfs.Read(image.Path, "bmap <8> 0").Split('\n').Last(line => line.Length > 0);
        string info = Tool.Check("dumpe2fs", "-h", image.Path);
        return long.Parse(first, CultureInfo.InvariantCulture) * (long)Dumpe2fs.Number(info, "Block size");
    }

    private static byte PatternOf(int round) => (byte)((round % 250) + 1);

    private static void Judge(string what, Action judge)
    {
        try
        {
            judge();
        }
        catch (OracleException complaint)
        {
            Assert.Fail($"{what}: {complaint.Message}");
        }
    }

    private static void Work(RecordingDevice device, Random random)
    {
        var options = new VolumeOptions { CommitInterval = TimeSpan.FromSeconds(1) };
        using Volume volume = Volume.Open(device, options);
        var names = new List<string>();
        var retained = new List<InodeNumber>();
        for (int round = 0; round < Rounds; round++)
        {
            switch (random.Next(10))
            {
                case < 4:
                    Create(volume, random, names, retained, round);
                    break;
                case < 7 when names.Count > 0:
                    string name = names[random.Next(names.Count)];
                    names.Remove(name);
                    Assert.Equal(Errno.Ok, volume.Unlink(InodeNumber.Root, Encoding.ASCII.GetBytes(name)));
                    break;
                case 7 when names.Count > 0:
                    string victim = names[random.Next(names.Count)];
                    volume.Lookup(InodeNumber.Root, Encoding.ASCII.GetBytes(victim), out InodeNumber number);
                    volume.Truncate(number, random.Next(30_000), default);
                    break;
                case 8 when retained.Count > 0:
                    InodeNumber forgotten = retained[random.Next(retained.Count)];
                    retained.Remove(forgotten);
                    volume.Release(forgotten);
                    break;
                case 9 when random.Next(4) == 0:
                    volume.SyncAll();
                    break;
                default:
                    break;
            }
        }
    }

    private static void Create(
        Volume volume, Random random, List<string> names, List<InodeNumber> retained, int round)
    {
        string name = $"file{round}";
        bool isRetained = random.Next(2) == 0;
        var caller = new Caller(0, 0, Retains: isRetained);
        Errno error = volume.Create(
            InodeNumber.Root, Encoding.ASCII.GetBytes(name), 0x1A4, in caller, out InodeAttributes attributes);
        if (error == Errno.NoSpace)
        {
            return;
        }
        Assert.Equal(Errno.Ok, error);
        names.Add(name);
        if (isRetained)
        {
            retained.Add(attributes.Number);
        }
        for (int pieces = random.Next(1, 7); pieces > 0; pieces--)
        {
            // With holes between, so that some trees have nodes of their own.
            byte[] data = new byte[random.Next(1, 60_000)];
            Array.Fill(data, PatternOf(round));
            error = volume.Write(attributes.Number, random.Next(0, 300_000), data, default, out _);
            if (error == Errno.NoSpace)
            {
                volume.TryReclaimSpace(null);
            }
        }
    }
}
