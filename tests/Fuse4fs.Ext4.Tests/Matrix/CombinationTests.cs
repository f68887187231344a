using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Matrix;

/// <summary>Every two features that go together, written by us, then by the kernel where it mounts them, then by us again:
/// e2fsck finds nothing, the kernel (or debugfs) sees the tree that we see, and files contain what was written.
/// FUSE4FS_TEST_SCALE times the everyday number of operations.</summary>
public sealed class CombinationTests
{
    private const int Operations = 250;

    private static readonly IReadOnlyList<Recipe> s_rows = FeatureCombinations.Make(isForKernel: false);

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, s_rows.Count)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void What_we_write_is_what_others_read(int row)
    {
        Recipe recipe = s_rows[row];
        Assert.SkipWhen(!Host.IsRoot, "not root");
        using TestImage image = ImageMaker.Make(recipe with { Fill = [] });
        try
        {
            Work(image, seed: row);
            Compare(recipe, image);
            if (!recipe.IsOffline && image.JournalPath is null && Host.NoKernelExt4 is null)
            {
                WorkOfKernel(image);
            }
            Work(image, seed: row + 1000);
            Compare(recipe, image);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"mke2fs {recipe.MakeOptions}", failure);
        }
    }

    private static void Work(TestImage image, int seed)
    {
        VolumeStorm storm;
        using (Volume volume = Open(image))
        {
            storm = new VolumeStorm(volume, seed);
            storm.Run(Operations * TestScale.Factor);
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        image.AssertClean();
        using Volume reopened = EngineVolume.OpenReadOnly(image);
        storm.Check(reopened);
    }

    private static Volume Open(TestImage image)
    {
        Volume volume = Volume.Open(EngineVolume.Device(image.Path, isReadOnly: false), new VolumeOptions
        {
            JournalDevice = image.JournalPath is { } journal ? EngineVolume.Device(journal, isReadOnly: false) : null,
        });
        Assert.False(volume.IsReadOnly);
        return volume;
    }

    private static void WorkOfKernel(TestImage image)
    {
        using var mount = new LoopMount(image.Path, "nodev");
        Tool.Shell($"cd {mount.MountPoint}; for i in $(seq 60); do mkdir -p k/$((i % 7)); head -c $((i * 900)) /dev/urandom "
            + "> k/$((i % 7))/file$i; done; for f in $(find . -type f | head -40); do echo more >> $f; done; "
            + "rm -rf k/3 k/5; find . -maxdepth 1 -name '1*' -type f -delete");
        mount.Unmount();
        image.AssertClean();
    }

    private static void Compare(Recipe recipe, TestImage image)
    {
        if (image.JournalPath is not null || (!recipe.IsJudgedByDebugfs && Host.NoKernelExt4 is not null))
        {
            return;
        }
        TreeSnapshot expected = Oracle.Capture(recipe, image);
        TreeSnapshot actual;
        using (Volume volume = EngineVolume.OpenReadOnly(image))
        {
            actual = Fuse4fs.Testing.Trees.VolumeTree.Capture(volume);
        }
        Oracle.Reduce(recipe, actual);
        // The kernel shows blocks of data that is inside the inode as well; debugfs shows what the inode says.
        string[] shownByKernel = recipe.IsJudgedByDebugfs ? ["blocks"] : [];
        TreeSnapshot.AssertSame(
            expected, actual, [.. Fuse4fs.Testing.Trees.VolumeTree.Unknown, .. Oracle.Unknown(recipe), .. shownByKernel]);
    }
}
