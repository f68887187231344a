using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>data=journal: power cuts while two files are overwritten in turn show one after the other, each whole. Without
/// it the same cuts show something else, so the test would see it.</summary>
public sealed class JournaledDataTests
{
    private const int Rounds = 30;
    private const int RandomCuts = 30;

    [Theory]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1", 6)]
    [InlineData("-t ext4 -b 4096 -N 256 -J size=4", 16)]
    [InlineData("-t ext3 -b 1024 -N 256 -J size=1", 6)]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1 -O ^metadata_csum,^64bit", 6)]
    [InlineData("-t ext4 -b 1024 -N 256 -J size=1 -O bigalloc -C 4096", 6)]
    public void Overwrites_are_whole_and_in_order(string options, long megabytes)
    {
        int seed = Random.Shared.Next();
        string? wrong = Overwrite(options, megabytes, DataMode.Journal, seed);
        Assert.True(wrong is null, $"{options}, seed {seed}: {wrong}");
    }

    [Fact]
    public void Ordered_data_shows_a_mixture()
    {
        string? found = null;
        for (int round = 0; round < 20 && found is null; round++)
        {
            found = Overwrite("-t ext4 -b 1024 -N 256 -J size=1", 6, DataMode.Ordered, Random.Shared.Next());
        }
        Assert.NotNull(found);
    }

    [Fact]
    public void The_superblock_may_ask_for_it()
    {
        using var image = new TestImage("-t ext4", 16L << 20);
        Tool.Check("tune2fs", "-o", "journal_data", image.Path);
        using (Volume asked = Volume.Open(MemoryDevice.Load(image.Path), new VolumeOptions()))
        {
            Assert.True(asked.JournalsData);
        }
        var ordered = new VolumeOptions { DataMode = DataMode.Ordered };
        using (Volume overruled = Volume.Open(MemoryDevice.Load(image.Path), ordered))
        {
            Assert.False(overruled.JournalsData);
        }
        Tool.Check("tune2fs", "-o", "journal_data_writeback", image.Path);
        using Volume other = Volume.Open(MemoryDevice.Load(image.Path), new VolumeOptions());
        Assert.False(other.JournalsData);
    }

    [Fact]
    public void It_needs_a_journal()
    {
        using var image = new TestImage("-t ext4 -O ^has_journal", 16L << 20);
        var options = new VolumeOptions { DataMode = DataMode.Journal };
        Assert.Throws<VolumeRefusedException>(() => Volume.Open(MemoryDevice.Load(image.Path), options));
        // There is nothing to change on a volume that is only read.
        using Volume read = Volume.Open(
            MemoryDevice.Load(image.Path), new VolumeOptions { DataMode = DataMode.Journal, ReadOnly = true });
        Assert.False(read.JournalsData);
    }

    /// <summary>Who is told where data lies might write there himself, below what is still to be written home.</summary>
    [Fact]
    public void Nobody_is_told_where_data_lies()
    {
        using var image = new TestImage("-t ext4", 16L << 20);
        using Volume volume = Volume.Open(
            MemoryDevice.Load(image.Path), new VolumeOptions { DataMode = DataMode.Journal });
        InodeNumber file = Make(volume, "file");
        Write(volume, file, 1);
        Assert.Equal(Errno.Ok, volume.BlockMap(file, 0, out ulong block));
        Assert.Equal(0ul, block);
        Assert.Equal(Errno.NotSupported, volume.MapForRead(file, 0, 4096, new DataRun[4], out _, out _));
        Assert.Equal(1, Version(volume, "file", out string? wrong));
        Assert.Null(wrong);
    }

    /// <summary>One workload with all its cuts.</summary>
    /// <returns>What was found wrong, or null.</returns>
    private static string? Overwrite(string options, long megabytes, DataMode mode, int seed)
    {
        using var sweep = new CrashSweep(options, megabytes << 20);
        var random = new Random(seed);
        RecordingDevice device = sweep.NewDevice();
        using (Volume volume = Volume.Open(device, sweep.Hasty(mode)))
        {
            InodeNumber first = Make(volume, "first");
            InodeNumber second = Make(volume, "second");
            Write(volume, first, 0);
            Write(volume, second, 0);
            Assert.Equal(Errno.Ok, volume.SyncAll());
            device.Restart();
            for (int version = 1; version <= Rounds; version++)
            {
                Write(volume, first, version);
                Write(volume, second, version);
                if (random.Next(8) == 0)
                {
                    Assert.Equal(Errno.Ok, SyncWaiter.Sync(volume, second, isDataOnly: random.Next(2) == 0));
                }
            }
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        return sweep.Cut(device, random, RandomCuts, static (volume, _) => Check(volume));
    }

    private static string? Check(Volume recovered)
    {
        int first = Version(recovered, "first", out string? wrong);
        if (wrong is not null)
        {
            return wrong;
        }
        int second = Version(recovered, "second", out wrong);
        return wrong ?? (first == second || first == second + 1 ? null : $"first is {first}, second {second}");
    }

    private static InodeNumber Make(Volume volume, string name)
    {
        Assert.Equal(Errno.Ok, volume.Create(
            InodeNumber.Root, CrashScript.Name(name), 0x1A4, new Caller(0, 0), out InodeAttributes made));
        return made.Number;
    }

    /// <summary>Overwrites from the middle of the first block to the middle of the last: as much as one handle takes.
    /// </summary>
    private static void Write(Volume volume, InodeNumber file, int version)
    {
        int block = volume.Context.Geometry.BlockSizeBytes;
        byte[] data = new byte[12 * block];
        Array.Fill(data, (byte)(version + 1));
        Assert.Equal(Errno.Ok, volume.Write(file, block / 2, data, default, out int written));
        Assert.Equal(data.Length, written);
    }

    private static int Version(Volume volume, string name, out string? wrong)
    {
        int block = volume.Context.Geometry.BlockSizeBytes;
        byte[] data = new byte[13 * block];
        Assert.Equal(Errno.Ok, volume.Lookup(InodeNumber.Root, CrashScript.Name(name), out InodeNumber number));
        Assert.Equal(Errno.Ok, volume.Read(number, 0, data, out int count));
        byte version = data[block / 2];
        bool isWhole = count == (12 * block) + (block / 2) && !data.AsSpan(0, block / 2).ContainsAnyExcept((byte)0)
            && !data.AsSpan(block / 2, 12 * block).ContainsAnyExcept(version);
        wrong = isWhole ? null : $"{name}: {count} bytes, not all version {version - 1}";
        return version - 1;
    }
}
