using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Our replay leaves the same blocks as e2fsck's, on images the kernel's ext4 left in the middle of
/// work.</summary>
public class RecoveryTests
{
    [Theory]
    [InlineData("-t ext4 -b 4096", "", 1)]
    [InlineData("-t ext4 -b 1024", "", 1)]
    [InlineData("-t ext4 -b 1024 -J size=1", "", 6)]
    [InlineData("-t ext4 -b 4096 -O ^metadata_csum", "", 1)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum,^64bit", "journal_checksum", 1)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum,64bit", "journal_async_commit,data=writeback", 1)]
    [InlineData("-t ext4 -b 4096", "journal_async_commit,data=writeback", 1)]
    [InlineData("-t ext3 -b 1024", "", 1)]
    [InlineData("-t ext3 -b 4096 -J size=4", "data=journal", 4)]
    public void Replay_writes_what_e2fsck_writes(string makeOptions, string mountOptions, int rounds)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, mountOptions, rounds);

        using MemoryDevice ours = MemoryDevice.Load(image.Path);
        JournalSource journal = JournalMap.Open(image.Path, ours);
        RecoveryResult result = JournalRecovery.Run(journal, ours, JournalMap.ReadGeometry(ours).BlockCount);
        Assert.True(result.TransactionCount > 1);
        Assert.True(result.BlockCount > 10);

        using TestImage theirs = image.Copy();
        Tool.Run("e2fsck", "-y", "-E", "journal_only", theirs.Path);
        AssertSameBlocks(File.ReadAllBytes(theirs.Path), ours.Bytes, journal);
    }

    /// <summary>All blocks but the journal's own and the superblock's, which e2fsck marks.</summary>
    private static void AssertSameBlocks(byte[] expected, byte[] actual, JournalSource journal)
    {
        int size = journal.Geometry.BlockSizeBytes;
        var different = new List<ulong>();
        for (ulong block = 0; block < (ulong)(expected.Length / size); block++)
        {
            bool isSuperblock = block == (ulong)(1024 / size);
            int offset = (int)block * size;
            if (!isSuperblock && !journal.Log.Holds(new FsBlock(block))
                && !expected.AsSpan(offset, size).SequenceEqual(actual.AsSpan(offset, size)))
            {
                different.Add(block);
            }
        }
        Assert.Empty(different);
    }
}
