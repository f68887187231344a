using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Inspecting.Archives;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Fuzzing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Mutants of valid images: never a crash, a hang, memory or work out of proportion, an undocumented error.
/// FUSE4FS_FUZZ_MUTANTS says how many, FUSE4FS_FUZZ_FIRST the number of the first. A failure names the mutant;
/// FUSE4FS_FUZZ_CHAIN makes that one alone.</summary>
public sealed class HostileImageTests(ITestOutputHelper output)
{
    private const int DefaultMutants = 21_000;
    private const int MostFailures = 20;

    /// <summary>Far beyond what the slowest mutant takes on a busy machine: what is longer under way hangs.</summary>
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(120);

    [Fact]
    public void Mutants_are_walked_and_exported_or_refused()
    {
        string? missing = Host.Without("mke2fs") ?? Host.Without("debugfs") ?? Host.Without("e2fsck")
            ?? Host.Without("setfattr") ?? Host.Without("setfacl");
        Assert.SkipUnless(missing is null, missing ?? "");
        IReadOnlyList<SeedImage> seeds = SeedImages.Make();
        AssertSeedsAreWhole(seeds);
        int count = FuzzSettings.Count(DefaultMutants);
        var campaign = new Campaign(seeds, FuzzSettings.First, count, FuzzSettings.Only, s_deadline);
        campaign.Run(Environment.ProcessorCount);
        output.WriteLine(campaign.Summary);
        Assert.True(campaign.Failures.IsEmpty, string.Join('\n', campaign.Failures.Take(MostFailures)));
    }

    /// <summary>Tests the tester: what is done to mutants succeeds on whole images, and leaves them whole.</summary>
    [Fact]
    public void Whole_seeds_stay_whole_when_they_are_changed()
    {
        string? missing = Host.Without("mke2fs") ?? Host.Without("debugfs") ?? Host.Without("e2fsck")
            ?? Host.Without("setfattr") ?? Host.Without("setfacl");
        Assert.SkipUnless(missing is null, missing ?? "");
        using var directory = new TemporaryDirectory();
        string path = directory.Combine("image");
        int number = FuzzSettings.First == 1 ? Random.Shared.Next() : FuzzSettings.First;
        foreach (SeedImage seed in SeedImages.Make())
        {
            // debugfs leaves counts behind that e2fsck does not like.
            File.WriteAllBytes(path, seed.Bytes);
            Tool.Run("e2fsck", "-fy", path);
            var device = MemoryDevice.Load(path);
            WritingWalk walk;
            using (Volume volume = Volume.Open(device, new VolumeOptions()))
            {
                if (volume.IsReadOnly)
                {
                    continue;
                }
                walk = new WritingWalk(volume, new Random(number));
                walk.Run();
            }
            Assert.True(walk.Successes > 20, $"{seed.Name}, {number}: {walk.Successes} changes");
            device.Save(path);
            ToolResult check = Tool.Run("e2fsck", "-fn", path);
            Assert.True(check.ExitCode == 0, $"{seed.Name}, {number}: {check}");
        }
    }

    /// <summary>Without this, seeds that are refused or damaged from the start would make all their mutants succeed.
    /// </summary>
    private static void AssertSeedsAreWhole(IReadOnlyList<SeedImage> seeds)
    {
        foreach (SeedImage seed in seeds)
        {
            var device = new BoundedDevice(seed.Bytes, seed.Bytes.Length);
            using var volume = Volume.Open(device, new VolumeOptions { ReadOnly = true });
            var problems = new Problems();
            using var archive = new CountingStream(seed.Bytes.Length);
            Assert.Equal(Errno.Ok, volume.GetAttributes(InodeNumber.Root, out InodeAttributes root));
            new TarExport(volume, archive, problems, progress: null).Write(in root, default);
            Assert.True(problems.Count == 0, $"{seed.Name} is damaged");
            Assert.True(archive.Length > 400_000, $"{seed.Name} has only {archive.Length} bytes");
            bool isDirty = volume.JournalFacts is { ReplayedTransactions: > 0 };
            Assert.True(isDirty == seed.Name.Contains("journal", StringComparison.Ordinal), $"{seed.Name}: journal");
        }
    }
}
