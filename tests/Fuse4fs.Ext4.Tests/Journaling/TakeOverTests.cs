using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>A log written by us and left behind by a crash is replayed by e2fsck and by the kernel as by ourselves, in
/// every format of the log.</summary>
public class TakeOverTests
{
    private const int ChangedBlocks = 120;
    private const int FreedBlock = 150;

    /// <summary>Options of mke2fs, and what the journal superblock is given besides before we use it.</summary>
    public static TheoryData<string, uint, uint> Formats => new()
    {
        { "-t ext4 -b 1024 -J size=1", 0, 0 },
        { "-t ext4 -b 4096 -J size=4", 0, 0 },
        { "-t ext4 -b 1024 -J size=1 -O ^metadata_csum", 0, 0 },
        { "-t ext4 -b 1024 -J size=1 -O ^metadata_csum,^64bit", 0, 0 },
        { "-t ext3 -b 1024 -J size=1", 0, 0 },
        { "-t ext4 -b 1024 -J size=1 -O ^metadata_csum", (uint)JournalCompatFeatures.Checksum, 0 },
        { "-t ext4 -b 1024 -J size=1 -O ^metadata_csum,^64bit", 0, (uint)JournalIncompatFeatures.ChecksumV2 },
        { "-t ext4 -b 4096 -J size=4 -O ^metadata_csum", 0, (uint)JournalIncompatFeatures.ChecksumV2 },
        { "-t ext4 -b 1024 -J size=1 -O ^metadata_csum,^64bit", 0, (uint)JournalIncompatFeatures.ChecksumV3 },
        { "-t ext4 -b 4096 -J size=8 -O fast_commit", 0, 0 },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void E2fsck_replays_our_log(string options, uint compat, uint incompat) =>
        Check(options, compat, incompat, static path =>
        {
            ToolResult result = Tool.Run("e2fsck", "-fy", path);
            Assert.True(result.ExitCode is 0 or 1, result.ToString());
        });

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_kernel_replays_our_log(string options, uint compat, uint incompat)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        Check(options, compat, incompat, static path =>
        {
            using var mount = new LoopMount(path);
            mount.Unmount();
        });
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void We_replay_our_log(string options, uint compat, uint incompat) =>
        Check(options, compat, incompat, static path =>
        {
            MemoryDevice device = MemoryDevice.Load(path);
            JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(path));
            Assert.True(volume.Recovery.TransactionCount > 0);
            Assert.Equal(Errno.Ok, volume.Journal.Close());
            device.Save(path);
        });

    [Theory]
    [InlineData("1024")]
    [InlineData("4096")]
    public void An_external_journal_is_used_and_replayed(string blockSize)
    {
        using var directory = new TemporaryDirectory();
        string journalPath = directory.Combine("journal");
        TestImage.CreateSparse(journalPath, 16L << 20);
        Tool.Check("mke2fs", "-q", "-F", "-O", "journal_dev", "-b", blockSize, journalPath);
        string loop = Tool.Check("losetup", "--find", "--show", journalPath).Trim();
        try
        {
            using var image = new TestImage($"-t ext4 -b {blockSize} -J device={loop}", 24L << 20);
            Tool.Check("losetup", "--detach", loop);
            loop = "";
            MemoryDevice device = MemoryDevice.Load(image.Path);
            MemoryDevice log = MemoryDevice.Load(journalPath);
            JournaledVolume volume = JournaledVolume.Open(device, null, null, log);
            Dictionary<int, uint> expected = Work(volume);
            device.Save(image.Path);
            log.Save(journalPath);
            volume.Journal.Close();
            ToolResult result = Tool.Run("e2fsck", "-fy", "-j", journalPath, image.Path);
            Assert.True(result.ExitCode is 0 or 1, result.ToString());
            AssertValues(volume, expected, File.ReadAllBytes(image.Path));
        }
        finally
        {
            if (loop.Length > 0)
            {
                Tool.Run("losetup", "--detach", loop);
            }
        }
    }

    private static void Check(string options, uint compat, uint incompat, Action<string> recover)
    {
        using var image = new TestImage(options, 24L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        List<LogRun> runs = JournalMap.RunsOf(image.Path);
        GiveFeatures(device, runs, compat, incompat);
        JournaledVolume volume = JournaledVolume.Open(device, runs);
        Dictionary<int, uint> expected = Work(volume);
        device.Save(image.Path);
        volume.Journal.Close();
        recover(image.Path);
        AssertValues(volume, expected, File.ReadAllBytes(image.Path));
        image.AssertClean();
    }

    private static void AssertValues(JournaledVolume volume, Dictionary<int, uint> expected, byte[] image)
    {
        foreach ((int block, uint value) in expected)
        {
            Assert.Equal(value, volume.ValueIn(image, block));
        }
    }

    /// <summary>Several laps of the log, escaped blocks, a freed block that is data at the end; all durable.</summary>
    private static Dictionary<int, uint> Work(JournaledVolume volume)
    {
        var expected = new Dictionary<int, uint>();
        uint value = 1;
        for (int round = 0; round < 40; round++)
        {
            for (int i = 0; i < ChangedBlocks; i += 6, value++)
            {
                using Handle handle = volume.Begin(6);
                for (int j = i; j < i + 6; j++)
                {
                    volume.Put(handle, j, value);
                    expected[j] = value;
                }
                handle.Complete();
            }
            volume.Journal.CommitAndWait(volume.Journal.RunningTransaction);
        }
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, FreedBlock, 5, isNew: true);
            handle.Complete();
        }
        volume.Journal.CommitAndWait(volume.Journal.RunningTransaction);
        uint last;
        using (Handle handle = volume.Begin(0))
        {
            handle.Forget(volume.Block(FreedBlock));
            last = handle.TransactionId;
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(last));
        byte[] data = new byte[volume.Context.Geometry.BlockSizeBytes];
        JournaledVolume.Fill(data, 0xDA7A);
        volume.Context.Device.Write((long)volume.Block(FreedBlock).Value * data.Length, data);
        expected[FreedBlock] = 0xDA7A;
        return expected;
    }

    private static void GiveFeatures(MemoryDevice device, List<LogRun> runs, uint compat, uint incompat)
    {
        int blockBytes = JournalMap.ReadGeometry(device).BlockSizeBytes;
        Span<byte> block = device.Bytes.AsSpan((int)runs[0].Start.Value * blockBytes, JournalSuperblock.SizeBytes);
        ref JournalSuperblock super = ref MemoryMarshal.AsRef<JournalSuperblock>(block);
        super.RawCompat = super.RawCompat | compat;
        super.RawIncompat = super.RawIncompat | incompat;
        if (incompat != 0)
        {
            super.ChecksumType = JournalSuperblock.ChecksumTypeCrc32C;
            super.Checksum = JournalSuperblock.ComputeChecksum(block);
        }
    }
}
