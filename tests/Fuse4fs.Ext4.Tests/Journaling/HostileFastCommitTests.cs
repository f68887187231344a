using System.Buffers.Binary;
using Fuse4fs.Ext4.FastCommits;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Fast commits whose checksum is right may still lie: about inodes, blocks, names, lengths.</summary>
public class HostileFastCommitTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8);

    private const string Work = """
        cd "$1"
        mkdir a b; for i in $(seq 1 60); do echo "old $i" > a/f$i; done
        head -c 400000 /dev/urandom > a/big
        sync -f .
        for i in $(seq 1 20); do echo more >> a/f$i; ln a/f$i b/l$i; done; sync a/f1
        for i in $(seq 1 20); do echo new > a/n$i; done; mkdir a/sub; echo x > a/sub/y; sync a/n1
        for i in $(seq 30 40); do rm a/f$i; done; mv a/f41 b/f41; truncate -s 5000 a/big; sync a/big
        """;

    [Theory]
    [InlineData("-t ext4 -b 4096 -O fast_commit")]
    [InlineData("-t ext4 -b 1024 -O fast_commit,^metadata_csum,^64bit -I 128")]
    public void Lying_records_are_refused_or_replayed(string makeOptions)
    {
        IReadOnlyList<FastCommitRecord> records = Prepare(makeOptions, out MemoryDevice device);
        Geometry geometry = JournalMap.ReadGeometry(device);
        Superblock super = JournalMap.ReadSuperblock(device);
        int seed = Environment.TickCount & 0xFFFFFF;
        int refused = 0;
        int i = 0;
        Deadline.Run(s_patience * TestScale.Factor, () =>
        {
            for (; i < 3000 * TestScale.Factor; i++)
            {
                refused += IsRefused(device, geometry, in super, Mutate(records, new Random(seed + i)), seed + i) ? 1 : 0;
            }
        }, () => $"seed {seed + i}");
        Assert.InRange(refused, 1, (3000 * TestScale.Factor) - 1);
    }

    private static bool IsRefused(
        MemoryDevice device, Geometry geometry, in Superblock super, List<FastCommitRecord> mutants, int seed)
    {
        try
        {
            FastCommitReplay.Compute(device, geometry, in super, mutants, DateTimeOffset.UnixEpoch);
            return false;
        }
        catch (Ext4CorruptException)
        {
            return true;
        }
        catch (Exception other)
        {
            Assert.Fail($"seed {seed}: {other}");
            throw;
        }
    }

    /// <summary>A directory loses its blocks between two of its names.</summary>
    [Fact]
    public void A_directory_without_blocks_is_refused_or_written_anew()
    {
        IReadOnlyList<FastCommitRecord> records = Prepare("-t ext4 -b 1024 -O fast_commit", out MemoryDevice device);
        Geometry geometry = JournalMap.ReadGeometry(device);
        Superblock super = JournalMap.ReadSuperblock(device);
        int tried = 0;
        for (int i = 0; i < records.Count; i++)
        {
            if (records[i].Tag is FastCommitTag.Create or FastCommitTag.Link or FastCommitTag.Unlink)
            {
                List<FastCommitRecord> hostile = [.. records];
                hostile.Insert(i + 1, WithoutBlocks(records[i].Parent));
                Exception? thrown = Record.Exception(
                    () => FastCommitReplay.Compute(device, geometry, in super, hostile, DateTimeOffset.UnixEpoch));
                Assert.True(thrown is null or Ext4CorruptException, $"record {i}: {thrown}");
                tried++;
            }
        }
        Assert.True(tried > 20, $"{tried} names");
    }

    private static FastCommitRecord WithoutBlocks(InodeNumber directory)
    {
        byte[] value = new byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(value, directory.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(8), uint.MaxValue);
        return new FastCommitRecord(FastCommitTag.DeleteRange, value);
    }

    /// <summary>The fast commits of an image that kernel ext4 left in the middle of its work.</summary>
    private static IReadOnlyList<FastCommitRecord> Prepare(string makeOptions, out MemoryDevice device)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, "commit=600", rounds: 0, Work);
        device = MemoryDevice.Load(image.Path);
        JournalSource journal = JournalMap.Open(image.Path, device);
        Geometry geometry = JournalMap.ReadGeometry(device);
        uint end = JournalRecovery.Run(journal, device, geometry.BlockCount).EndSequence;
        IReadOnlyList<FastCommitRecord> records = new FastCommitScanner(journal, geometry.InodeSizeBytes).Scan(end);
        Assert.True(records.Count > 10);
        return records;
    }

    private static List<FastCommitRecord> Mutate(IReadOnlyList<FastCommitRecord> records, Random random)
    {
        List<FastCommitRecord> mutants = [.. records];
        for (int i = random.Next(1, 8); i > 0; i--)
        {
            int at = random.Next(mutants.Count);
            FastCommitRecord record = mutants[at];
            byte[] value = record.Value.ToArray();
            switch (random.Next(5))
            {
                case 0:
                    mutants.RemoveAt(at);
                    break;
                case 1:
                    mutants.Insert(random.Next(mutants.Count), record);
                    break;
                case 2:
                    value[random.Next(value.Length)] = (byte)random.Next(256);
                    mutants[at] = record with { Value = value };
                    break;
                case 3:
                    value[random.Next(Math.Min(value.Length, 16))] ^= (byte)(1 << random.Next(8));
                    mutants[at] = record with { Value = value };
                    break;
                default:
                    mutants[at] = record with { Tag = SameShape(record.Tag, random) };
                    break;
            }
        }
        return mutants;
    }

    private static FastCommitTag SameShape(FastCommitTag tag, Random random) => tag switch
    {
        FastCommitTag.Create or FastCommitTag.Link or FastCommitTag.Unlink => (FastCommitTag)random.Next(3, 6),
        _ => tag,
    };
}
