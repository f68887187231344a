using System.Buffers.Binary;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

public sealed class DirectoryRecordsTests
{
    private const int BlockBytes = 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Damaged_blocks_end_in_an_error_or_in_valid_records(bool hasStoredHash)
    {
        int start = Environment.TickCount;
        var random = new Random(start);
        var layout = new DirectoryLayout(new InodeNumber(12), BlockBytes, 1000, hasStoredHash, HasChecksums: false);
        byte[] valid = MakeBlock(random, hasStoredHash);
        for (int round = 0; round < 50_000; round++)
        {
            byte[] block = (byte[])valid.Clone();
            for (int hits = random.Next(1, 4); hits > 0; hits--)
            {
                block[random.Next(block.Length)] = (byte)random.Next(256);
            }
            AssertWalkIsSane(block, layout, $"seed {start}, round {round}");
        }
    }

    [Fact]
    public void Noise_is_refused_or_walked()
    {
        var random = new Random(7);
        var layout = new DirectoryLayout(new InodeNumber(12), BlockBytes, 1000, HasStoredHash: true, HasChecksums: true);
        byte[] block = new byte[BlockBytes];
        for (int round = 0; round < 20_000; round++)
        {
            random.NextBytes(block);
            AssertWalkIsSane(block, layout, $"round {round}");
            AssertNodeIsSane(block, layout);
        }
    }

    [Theory]
    [InlineData(65535, 65536)]
    [InlineData(0, 65536)]
    [InlineData(12, 12)]
    [InlineData(65532, 65532)]
    public void Lengths_of_64_KiB_blocks_are_decoded(int raw, int expected)
    {
        Assert.Equal(expected, DirectoryRecordHeader.DecodeLength((ushort)raw, 65536));
        Assert.Equal(raw, DirectoryRecordHeader.DecodeLength((ushort)raw, 4096));
        if (raw != 0)
        {
            Assert.Equal(raw, DirectoryRecordHeader.EncodeLength(expected));
        }
    }

    private static void AssertWalkIsSane(byte[] block, DirectoryLayout layout, string what)
    {
        int end = 0;
        try
        {
            foreach (DirectoryRecord record in new DirectoryRecords(block, layout, 0))
            {
                Assert.True(record.Offset == end && record.Length >= 12, what);
                Assert.True(record.Inode.Value <= layout.InodeCount, what);
                Assert.True(8 + record.Name.Length <= record.Length, what);
                if (record.IsUsed && layout.HasStoredHash && !record.IsDot)
                {
                    _ = record.StoredHash;
                }
                end = record.Offset + record.Length;
            }
            Assert.True(end == block.Length, what);
        }
        catch (Ext4CorruptException damage)
        {
            Assert.Equal(Corruption.DirectoryRecordLength, damage.Kind);
        }
    }

    private static void AssertNodeIsSane(byte[] block, DirectoryLayout layout)
    {
        try
        {
            HashTreeNode node = HashTreeNode.Decode(block, isRoot: false, layout);
            Assert.InRange(node.Find(0xFFFFFFFF), 0, node.Count - 1);
            _ = node.BlockAt(node.Count - 1);
        }
        catch (Ext4CorruptException damage)
        {
            Assert.Equal(Corruption.HashTreeNode, damage.Kind);
        }
    }

    private static byte[] MakeBlock(Random random, bool hasStoredHash)
    {
        byte[] block = new byte[BlockBytes];
        int at = 0;
        while (at < BlockBytes)
        {
            int nameLength = random.Next(1, 40);
            int length = DirectoryRecordHeader.LengthFor(nameLength, hasStoredHash);
            if (BlockBytes - at - length < 60)
            {
                length = BlockBytes - at;
            }
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(at), (uint)random.Next(11, 1000));
            BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(at + 4), (ushort)length);
            block[at + 6] = (byte)nameLength;
            block[at + 7] = 1;
            block.AsSpan(at + 8, nameLength).Fill((byte)'n');
            at += length;
        }
        return block;
    }
}
