using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Moments at which a crash is known to be difficult, each cut behind every single step of the device.
/// </summary>
public sealed class WindowTests
{
    private const string Small = "-t ext4 -b 1024 -N 256 -J size=1";
    private const string WithOrphanFile = Small + " -O orphan_file";
    private const long SizeBytes = 6L << 20;
    private static readonly InodeNumber s_root = InodeNumber.Root;

    [Theory]
    [InlineData(Small)]
    [InlineData(WithOrphanFile)]
    public void Rename_over_an_open_file(string options) => Try(options, script =>
    {
        InodeNumber fresh = script.Create(s_root, "fresh");
        InodeNumber open = script.Create(s_root, "open", isRetained: true);
        script.Write(fresh, 0, 5000, 0x81);
        script.Write(open, 0, 7000, 0x82);
        script.Start();
        script.Rename(s_root, "fresh", s_root, "open");
        script.Sync(s_root);
        script.Write(open, 3000, 9000, 0x83);
        script.Sync(open);
        script.Volume.Release(open);
        script.Write(fresh, 5000, 100, 0x84);
        script.SyncAll();
    });

    [Theory]
    [InlineData(Small)]
    [InlineData("-t ext4 -b 1024 -N 512 -J size=1 -O ^metadata_csum")]
    public void Directory_split(string options) => Try(options, static script =>
    {
        InodeNumber directory = script.MakeDirectory(s_root, "directory");
        script.Start();
        // Three leaves of four entries: one block, then an index, then splits.
        for (int i = 0; i < 14; i++)
        {
            script.Create(directory, $"{i}-" + new string('n', 220));
            if (i % 4 == 3)
            {
                script.Sync(directory);
            }
        }
        script.SyncAll();
    });

    [Fact]
    public void Rename_between_directories() => Try(Small, static script =>
    {
        InodeNumber first = script.MakeDirectory(s_root, "first");
        InodeNumber second = script.MakeDirectory(s_root, "second");
        InodeNumber moved = script.MakeDirectory(first, "moved");
        script.Create(moved, "inside");
        script.MakeDirectory(second, "other");
        script.Create(first, "file");
        script.Start();
        script.Rename(first, "moved", second, "moved");
        script.Sync(second);
        script.Rename(second, "other", first, "file", RenameFlags.Exchange);
        script.Rename(second, "moved", first, "back");
        script.Sync(moved);
        script.Rename(first, "back", second, "file2", RenameFlags.Whiteout);
        script.SyncAll();
    });

    [Theory]
    [InlineData(Small)]
    [InlineData(WithOrphanFile)]
    public void Inode_number_while_somebody_holds_its_node(string options) => Try(options, static script =>
    {
        InodeNumber held = script.Create(s_root, "held", isRetained: true);
        script.Write(held, 0, 4000, 0x85);
        script.Start();
        script.Unlink(s_root, "held");
        script.SyncAll();
        for (int i = 0; i < 12; i++)
        {
            Assert.NotEqual(held, script.Create(s_root, $"new{i}"));
        }
        script.Sync(s_root);
        Assert.Equal(Errno.Ok, script.Volume.GetAttributes(held, out InodeAttributes attributes));
        Assert.Equal(4000, attributes.SizeBytes);
        script.Volume.Release(held);
        // Freed, but not before the commit is durable.
        Assert.NotEqual(held, script.Create(s_root, "early"));
        script.SyncAll();
        script.Volume.TryReclaimSpace(null);
        InodeNumber last = script.Create(s_root, "late");
        script.Write(last, 0, 2000, 0x86);
        script.Sync(last);
    }, isHasty: false);

    [Theory]
    [InlineData(Small)]
    [InlineData(WithOrphanFile)]
    public void Truncate_of_a_fragmented_file(string options) => Try(options, static script =>
    {
        InodeNumber file = script.Create(s_root, "fragmented");
        for (int i = 0; i < 420; i++)
        {
            script.Write(file, i * 2048, 700, 0x87);
        }
        script.Start();
        script.Truncate(file, 2500);
        script.Write(file, 5000, 300, 0x88);
        script.Sync(file);
        script.Truncate(file, 9000);
        script.SyncAll();
    });

    [Theory]
    [InlineData(Small)]
    [InlineData(WithOrphanFile)]
    public void Removal_of_a_fragmented_file(string options) => Try(options, static script =>
    {
        InodeNumber file = script.Create(s_root, "fragmented");
        for (int i = 0; i < 420; i++)
        {
            script.Write(file, i * 2048, 700, 0x89);
        }
        script.Start();
        script.Unlink(s_root, "fragmented");
        script.SyncAll();
        script.Volume.TryReclaimSpace(null);
        InodeNumber next = script.Create(s_root, "next");
        script.Write(next, 0, 3000, 0x8A);
        script.Sync(next);
    });

    /// <summary>Enough commits that the tail moves; of each of its writes the power cut leaves it alone, or everything
    /// else.</summary>
    [Fact]
    public void Tail_update_torn_from_its_flush()
    {
        using var sweep = new CrashSweep(Small, SizeBytes);
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            var script = new CrashScript(volume, device);
            script.Start();
            for (int i = 0; i < 40; i++)
            {
                InodeNumber file = script.Create(s_root, $"file{i}");
                script.Write(file, 0, 1500, 0x8B);
                script.Sync(file);
                Thread.Sleep(1);
            }
            record = script.Record;
        }
        IReadOnlyList<int> points = sweep.TailPoints(device);
        Assert.True(points.Count >= 3, $"the tail moved {points.Count} times");
        foreach (int point in points)
        {
            for (int cut = point; cut <= Math.Min(point + 2, device.StepCount); cut++)
            {
                var tails = device.UnflushedWrites(cut).Where(write => sweep.IsTail(write.Offset))
                    .Select(write => write.Step).ToHashSet();
                byte[] alone = device.AfterPowerCut(cut, tails.Contains);
                byte[] without = device.AfterPowerCut(cut, step => !tails.Contains(step));
                foreach (byte[] image in (byte[][])[alone, without])
                {
                    string? wrong = sweep.Judge(image, cut, cut % 4 == 0, record.Check);
                    Assert.True(wrong is null, $"cut {cut} of {device.StepCount}: {wrong}");
                }
            }
        }
    }

    /// <summary>A directory's blocks are freed and, since there are no others, become a file's.</summary>
    [Fact]
    public void Freed_metadata_block_reused_for_data() => Assert.Null(ReuseMetadata(JournalFaults.None));

    [Theory]
    [InlineData(nameof(JournalFaults.DropRevokes))]
    [InlineData(nameof(JournalFaults.KeepFreedOnCheckpointList))]
    public void A_freed_block_that_comes_back_is_noticed(string missing)
    {
        JournalFaults faults = missing == nameof(JournalFaults.DropRevokes)
            ? new JournalFaults { DropRevokes = true }
            : new JournalFaults { KeepFreedOnCheckpointList = true };
        Assert.NotNull(ReuseMetadata(faults));
    }

    private static string? ReuseMetadata(JournalFaults faults)
    {
        using var sweep = new CrashSweep(Small + " -m 0", 3L << 20);
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        // Nothing goes home by itself: what is in the log stays there to be replayed.
        var options = new VolumeOptions
        {
            Journal = new JournalOptions { CheckpointAge = TimeSpan.FromHours(1), Faults = faults },
        };
        using (Volume volume = Volume.Open(device, options))
        {
            var script = new CrashScript(volume, device);
            InodeNumber filler = script.Create(s_root, "filler");
            InodeNumber directory = script.MakeDirectory(s_root, "directory");
            for (int i = 0; i < 60; i++)
            {
                script.Create(directory, $"{i}-" + new string('n', 220));
            }
            byte[] data = new byte[1024];
            Array.Fill(data, (byte)0x8C);
            for (int i = 0; volume.Write(filler, i * 1024L, data, default, out _) == Errno.Ok; i++)
            {
            }
            script.Start();
            // In the log as directory blocks, then free, then data.
            for (int i = 0; i < 60; i++)
            {
                script.Unlink(directory, $"{i}-" + new string('n', 220));
            }
            script.SyncAll();
            script.Do(() => volume.RemoveDirectory(s_root, "directory"u8), s_root);
            script.SyncAll();
            volume.TryReclaimSpace(null);
            InodeNumber file = script.Create(s_root, "file");
            script.Write(file, 0, 14_000, 0x8D);
            script.Sync(file);
            script.Write(file, 0, 14_000, 0x8E);
            script.Sync(file);
            record = script.Record;
        }
        return sweep.CutEverywhere(device, new Random(1), record.Check);
    }

    /// <summary>Commits when it is asked to and not by itself.</summary>
    private static VolumeOptions Patient => new() { CommitInterval = TimeSpan.FromHours(1) };

    private static void Try(string options, Action<CrashScript> work, bool isHasty = true)
    {
        using var sweep = new CrashSweep(options, SizeBytes);
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(device, isHasty ? sweep.Hasty() : Patient))
        {
            var script = new CrashScript(volume, device);
            work(script);
            record = script.Record;
        }
        int seed = Random.Shared.Next();
        string? wrong = sweep.CutEverywhere(device, new Random(seed), record.Check);
        Assert.True(wrong is null, $"seed {seed}, {sweep.Checked} images: {wrong}");
        Assert.True(sweep.Checked > 10, $"only {sweep.Checked} images");
    }
}
