using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Inodes without a name over a crash: temporary files, unlinked files in use, more of them than the orphan
/// file has room for.</summary>
public sealed class LifetimeWindowTests
{
    private const string List = "-t ext4 -b 1024 -N 768 -J size=1 -O ^orphan_file";

    /// <summary>The smallest there is: two blocks of 254 entries.</summary>
    private const string SmallOrphanFile = "-t ext4 -b 1024 -N 768 -J size=1 -O orphan_file -E orphan_file_size=2";

    private const long SizeBytes = 6L << 20;
    private static readonly InodeNumber s_root = InodeNumber.Root;

    [Theory]
    [InlineData(List)]
    [InlineData(SmallOrphanFile)]
    public void Temporary_files_come_and_go(string options)
    {
        using var sweep = new CrashSweep(options, SizeBytes);
        RecordingDevice device = sweep.NewDevice();
        CrashRecord record;
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            var script = new CrashScript(volume, device);
            script.Start();
            for (int i = 0; i < 8; i++)
            {
                InodeNumber file = MakeTemporary(script);
                script.Write(file, 0, 3000, (byte)(0x80 + i));
                if (i % 4 == 1)
                {
                    script.Sync(file);
                }
                if (i % 2 == 0)
                {
                    script.Link(file, s_root, $"named{i}");
                    script.Sync(file);
                }
                if (i % 3 > 0)
                {
                    volume.Release(file);
                }
            }
            script.Unlink(s_root, "named0");
            script.SyncAll();
            record = script.Record;
        }
        string? wrong = sweep.CutEverywhere(device, new Random(1), record.Check);
        Assert.True(wrong is null, wrong);
    }

    /// <summary>600 unlinked files in use, 508 slots: the rest is on the superblock's list. A crash, and again one in
    /// the middle of freeing them.</summary>
    [Theory]
    [InlineData(List)]
    [InlineData(SmallOrphanFile)]
    public void More_orphans_than_slots_survive_two_crashes(string options)
    {
        using var sweep = new CrashSweep(options, SizeBytes);
        (ulong Blocks, ulong Inodes) free = FreeOf(sweep.Image);
        byte[] crashed = CrashWithOrphans(sweep, 600);
        sweep.Initial = crashed;
        RecordingDevice device = sweep.NewDevice();
        using (Volume volume = Volume.Open(device, sweep.Hasty()))
        {
            Assert.Equal(0, volume.Orphans!.Count);
        }
        int seed = Random.Shared.Next();
        string? wrong = sweep.CutEverywhere(device, new Random(seed), (volume, _) =>
        {
            int left = volume.Orphans?.Count ?? 0;
            string names = SeenTree.Capture(volume).Names;
            return left > 0 ? $"{left} orphans left" : names.Contains("open", StringComparison.Ordinal) ? names : null;
        });
        Assert.True(wrong is null, $"seed {seed}: {wrong}");
        File.WriteAllBytes(sweep.Image.Path, device.Contents());
        sweep.Image.AssertClean();
        Assert.Equal(free, FreeOf(sweep.Image));
    }

    private static byte[] CrashWithOrphans(CrashSweep sweep, int count)
    {
        RecordingDevice device = sweep.NewDevice();
        Volume volume = Volume.Open(device, new VolumeOptions());
        var caller = new Caller(0, 0, Retains: true);
        for (int i = 0; i < count; i++)
        {
            byte[] name = CrashScript.Name($"open{i}");
            Assert.Equal(Errno.Ok, volume.Create(s_root, name, 0x1A4, in caller, out InodeAttributes made));
            if (i % 3 == 0)
            {
                volume.Write(made.Number, 0, new byte[1500], default, out _);
            }
            Assert.Equal(Errno.Ok, volume.Unlink(s_root, name));
        }
        Assert.Equal(count, volume.Orphans!.Count);
        Assert.Equal(Errno.Ok, volume.SyncAll());
        byte[] crashed = device.Contents();
        volume.Dispose();
        return crashed;
    }

    private static InodeNumber MakeTemporary(CrashScript script)
    {
        InodeNumber number = default;
        script.Record.Begin();
        Assert.Equal(Errno.Ok, script.Volume.TemporaryFile(
            s_root, 0x180, new Caller(0, 0, Retains: true), out InodeAttributes made));
        number = made.Number;
        script.Record.NoteNew(in made);
        script.Record.NoteChange(number);
        script.Record.End();
        return number;
    }

    private static (ulong Blocks, ulong Inodes) FreeOf(TestImage image) =>
        (Allocation.Dumpe2fs.FreeBlocks(image.Path), Allocation.Dumpe2fs.FreeInodes(image.Path));
}
