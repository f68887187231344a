using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Random calls compared with a model, on volumes of all kinds, on both revisions; e2fsck after each run.
/// FUSE4FS_TEST_MODEL_OPERATIONS: calls for each kind and revision; FUSE4FS_TEST_MODEL_SEED: added to all seeds.</summary>
public sealed class VolumeModelTests
{
    private const int Steps = 150;
    private const int Chunk = 16 << 10;

    private static readonly string[] s_features =
    [
        "-t ext4 -b 4096",
        "-t ext4 -b 1024 -O ^metadata_csum",
        "-t ext3 -b 1024",
        "-t ext3 -b 4096",
        "-t ext2 -b 4096",
        "-t ext2 -b 1024",
        "-t ext4 -b 4096 -O bigalloc -C 16384",
        "-t ext4 -b 1024 -O inline_data -I 256",
        "-t ext4 -b 4096 -O inline_data -I 256",
        "-t ext4 -b 4096 -O quota,project -I 256",
    ];

    private static int Rounds => Math.Max(1, TestSize.Of("FUSE4FS_TEST_MODEL_OPERATIONS", Steps) / Steps);

    private static int FirstSeed => TestSize.Of("FUSE4FS_TEST_MODEL_SEED", 0);

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        int seed = 1;
        foreach (string features in s_features)
        {
            cases.Add("v8", features, seed++);
            cases.Add("v9", features, seed++);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_calls_give_what_a_model_gives(string revision, string features, int seed)
    {
        for (int round = 0; round < Rounds; round++)
        {
            _ = Run(revision, features, FirstSeed + seed + (round * 100), 24 << 20, freeBytes: null);
        }
    }

    /// <summary>Neither revision was seen in all its ways, and the next one will have others: what does not change the meaning of
    /// a message is drawn.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_calls_under_a_kernel_with_other_habits(string revision, string features, int seed)
    {
        for (int round = 0; round < Rounds; round++)
        {
            int first = FirstSeed + seed + 50 + (round * 100);
            var random = new Random(first);
            bool Draw() => random.Next(2) == 0;
            _ = Run(revision, features, first, 24 << 20, freeBytes: null, quirks => quirks with
            {
                SyncfsAtUnmount = Draw(),
                ForgetsAtUnmount = Draw(),
                CloseWritesBack = Draw(),
                UnlinkedDirtyIsWritten = Draw(),
                PendingRunFailsWithPass = Draw(),
                TimesFollowFallocate = Draw(),
                CapabilityIsAsked = Draw(),
                TouchCarriesAtimeNow = Draw(),
                RootIsExclusive = Draw(),
                AttributesRaiseDiskSize = Draw(),
                ReportUsesCache = Draw(),
                WritebackEnds = Draw(),
                NewSizeIsAssigned = Draw(),
                ZeroingFlushes = Draw(),
                InlineReadsWholeMapping = Draw(),
                OpenDropsCache = Draw(),
                FlusherSendsTimesFirst = Draw(),
            });
        }
    }

    /// <summary>There is no room for what the calls would write: each that is accepted does what it always does, each that
    /// is not leaves all other bytes alone.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_calls_on_a_full_volume_do_all_that_they_say(string revision, string features, int seed)
    {
        int refused = 0;
        for (int round = 0; round < Rounds; round++)
        {
            int first = FirstSeed + seed + (round * 100);
            refused += Run(revision, features + " -m 0", first, 12 << 20, freeBytes: 60_000 + (first % 5 * 30_000));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{refused} calls were refused");
        Assert.True(refused > 0, "there was room for everything");
    }

    /// <returns>How many calls were refused.</returns>
    private static int Run(
        string revision, string features, int seed, long sizeBytes, int? freeBytes, Func<Quirks, Quirks>? change = null)
    {
        TwinOptions options = (revision == "v8" ? TwinOptions.V8 : TwinOptions.V9) with { Seed = seed };
        options = options with { Quirks = change?.Invoke(options.Quirks) ?? options.Quirks };
        using var bench = new VolumeBench(options, features, sizeBytes);
        var operations = new RandomOperations(bench.Bench, seed, Steps)
        {
            MayRefuseAllocation = !features.Contains("ext4", StringComparison.Ordinal),
            MayBeFull = freeBytes is not null,
        };
        try
        {
            if (freeBytes is int rest)
            {
                Fill(bench.Bench, rest);
            }
            operations.Run();
            bench.Finish();
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"seed {seed}: {string.Join("\n", bench.Warnings.Take(5))}", failure);
        }
        Assert.Empty(bench.Warnings);
        return operations.Refused;
    }

    /// <summary>Leaves so many bytes free, at most.</summary>
    private static void Fill(Bench bench, int freeBytes)
    {
        long fd = bench.Create("/filler");
        byte[] data = Bench.Bytes(Chunk, 1);
        long offset = 0;
        bool isSynced = false;
        while ((long)bench.User.Statfs().Statfs!.FreeBlocks * bench.BlockSize > freeBytes)
        {
            long count = bench.User.Pwrite(fd, data, offset);
            offset += Math.Max(count, 0);
            if (count <= 0 && isSynced)
            {
                break;
            }
            // What was kept for nodes of the map is free when it turns out that none were needed.
            isSynced = count < data.Length && bench.User.Fsync(fd) == 0;
        }
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
    }
}
