using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>Power cuts while a file is written, truncated, punched and moved: what was synced is there, and no block ever
/// shows what it held before the file got it.</summary>
public sealed class DataPowerLossTests
{
    /// <summary>What free blocks hold; never written into the file.</summary>
    private const byte Stale = 0xEE;
    private const int MaximumBytes = 400_000;

    [Theory]
    [InlineData("-t ext4 -b 1024 -J size=1", 1)]
    [InlineData("-t ext4 -b 1024 -J size=1 -O ^metadata_csum", 2)]
    [InlineData("-t ext4 -b 4096 -J size=4", 3)]
    [InlineData("-t ext3 -b 1024 -J size=1", 4)]
    [InlineData("-t ext4 -b 1024 -J size=1 -O bigalloc -C 8192", 6)]
    [InlineData("-t ext4 -b 1024 -J size=1 -O ^extents,^64bit", 5)]
    [InlineData("-t ext4 -b 1024 -J size=1", 7, DataMode.Journal)]
    [InlineData("-t ext4 -b 4096 -J size=4 -O bigalloc -C 16384", 8, DataMode.Journal)]
    [InlineData("-t ext3 -b 1024 -J size=1", 9, DataMode.Journal)]
    public void Nothing_stale_shows_and_nothing_synced_is_lost(
        string options, int seed, DataMode mode = DataMode.Ordered)
    {
        using var contents = new TemporaryDirectory();
        File.WriteAllBytes(contents.Combine("file"), []);
        using var image = new TestImage(options, 16L << 20, contents.Path);
        var number = new InodeNumber(uint.Parse(
            Debugfs.Read(image.Path, "stat /file").Split("Inode: ")[1].Split(' ')[0], CultureInfo.InvariantCulture));
        byte[] initial = FillFreeBlocks(image.Path);
        long journal = (long)JournalMap.RunsOf(image.Path)[0].Start.Value
            * JournalMap.ReadGeometry(new MemoryDevice(initial)).BlockSizeBytes;
        // Superblock and journal superblock are smaller than what disks write as a whole.
        var device = new RecordingDevice(initial)
        {
            IsAtomic = (offset, length) => length <= 512 || (offset <= 1024 && offset + length >= 2048) || offset == journal,
        };
        var random = new Random(seed);
        List<(int Step, byte[] Contents)> synced = Work(device, number, random, mode);
        for (int i = 0; i < 60; i++)
        {
            bool isSynced = i % 3 == 0;
            (int step, byte[] expected) = isSynced
                ? synced[random.Next(synced.Count)]
                : (random.Next(device.StepCount), []);
            File.WriteAllBytes(image.Path, device.AfterPowerCut(step, random));
            string what = $"{options}, seed {seed}, cut {i} at {step}";
            byte[] ours = ReadByUs(image.Path, number);
            Assert.True(!ours.AsSpan().Contains(Stale), $"{what}: stale byte at {ours.AsSpan().IndexOf(Stale)}");
            E2fsck.RecoverAfterCrash(image.Path);
            Debugfs.Read(image.Path, $"dump /file {contents.Combine("dump")}");
            Assert.True(ours.AsSpan().SequenceEqual(File.ReadAllBytes(contents.Combine("dump"))), what);
            Assert.True(!isSynced || ours.AsSpan().SequenceEqual(expected), what);
        }
    }

    private static byte[] FillFreeBlocks(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        string report = Tool.Check("dumpe2fs", path);
        int block = int.Parse(Regex.Match(report, @"Block size:\s+(\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        foreach (Match list in Regex.Matches(report, @"^  Free blocks: (.+)$", RegexOptions.Multiline))
        {
            foreach (string range in list.Groups[1].Value.Split(", "))
            {
                int[] ends = [.. range.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture))];
                bytes.AsSpan(ends[0] * block, (ends[^1] - ends[0] + 1) * block).Fill(Stale);
            }
        }
        return bytes;
    }

    private static List<(int Step, byte[] Contents)> Work(
        RecordingDevice device, InodeNumber file, Random random, DataMode mode)
    {
        var synced = new List<(int Step, byte[] Contents)>();
        using Volume volume = Volume.Open(device, new VolumeOptions
        {
            CommitInterval = TimeSpan.FromMilliseconds(5),
            DataMode = mode,
        });
        for (int round = 0; round < 400; round++)
        {
            Change(volume, file, random);
            if (round % 20 == 19)
            {
                var waiter = new Waiter();
                Assert.Equal(Errno.Ok, volume.Sync(file, isDataOnly: random.Next(2) == 0, waiter));
                Assert.Equal(Errno.Ok, waiter.Wait());
                synced.Add((device.StepCount, ReadAll(volume, file)));
            }
        }
        return synced;
    }

    private static void Change(Volume volume, InodeNumber file, Random random)
    {
        int block = volume.Context.Geometry.BlockSizeBytes;
        int offset = random.Next(MaximumBytes);
        int length = random.Next(1, random.Next(3) == 0 ? 40_000 : 5000);
        var options = new WriteOptions { IsCached = random.Next(2) == 0 };
        FallocateMode keep = random.Next(2) == 0 ? FallocateMode.KeepSize : 0;
        switch (random.Next(10))
        {
            case < 5:
                byte[] data = new byte[length];
                Array.Fill(data, (byte)random.Next(1, 0xE0));
                volume.Write(file, offset, data, in options, out _);
                break;
            case 5:
                volume.Truncate(file, offset, in options);
                break;
            case 6:
                volume.Allocate(file, keep, offset, length, in options);
                break;
            case 7:
                volume.Allocate(file, FallocateMode.PunchHole | FallocateMode.KeepSize, offset, length, in options);
                break;
            case 8:
                volume.Allocate(file, FallocateMode.ZeroRange | keep, offset, length, in options);
                break;
            default:
                FallocateMode mode = random.Next(2) == 0 ? FallocateMode.CollapseRange : FallocateMode.InsertRange;
                volume.Allocate(file, mode, offset / block * block, (length / block + 1) * block, in options);
                break;
        }
    }

    private static byte[] ReadByUs(string path, InodeNumber file)
    {
        using Volume volume = VolumeOpening.ReadOnly(path);
        return ReadAll(volume, file);
    }

    private static byte[] ReadAll(Volume volume, InodeNumber file)
    {
        Assert.Equal(Errno.Ok, volume.GetAttributes(file, out InodeAttributes attributes));
        byte[] bytes = new byte[attributes.SizeBytes];
        Assert.Equal(Errno.Ok, volume.Read(file, 0, bytes, out int count));
        Assert.Equal(bytes.Length, count);
        return bytes;
    }

    private sealed class Waiter : ICommitWaiter
    {
        private readonly TaskCompletionSource<Errno> _outcome = new();

        public void Committed(Errno outcome) => _outcome.SetResult(outcome);

        public Errno Wait() => _outcome.Task.GetAwaiter().GetResult();
    }
}
