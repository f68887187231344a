using Fuse4fs.Ext4.FastCommits;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Fast commits whose checksum is right may still lie: about inodes, blocks, names, lengths.</summary>
public class HostileFastCommitTests
{
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
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using TestImage image = LiveImage.Make(makeOptions, "commit=600", rounds: 0, Work);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        JournalSource journal = JournalMap.Open(image.Path, device);
        Geometry geometry = JournalMap.ReadGeometry(device);
        uint end = JournalRecovery.Run(journal, device, geometry.BlockCount).EndSequence;
        IReadOnlyList<FastCommitRecord> records = new FastCommitScanner(journal, geometry.InodeSizeBytes).Scan(end);
        Assert.True(records.Count > 10);
        Superblock super = JournalMap.ReadSuperblock(device);
        int seed = Environment.TickCount & 0xFFFFFF;
        int refused = 0;
        for (int i = 0; i < 3000 * TestScale.Factor; i++)
        {
            List<FastCommitRecord> mutants = Mutate(records, new Random(seed + i));
            try
            {
                FastCommitReplay.Compute(device, geometry, in super, mutants, DateTimeOffset.UnixEpoch);
            }
            catch (Ext4CorruptException)
            {
                refused++;
            }
            catch (Exception other)
            {
                Assert.Fail($"seed {seed + i}: {other}");
            }
        }
        Assert.InRange(refused, 1, (3000 * TestScale.Factor) - 1);
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
