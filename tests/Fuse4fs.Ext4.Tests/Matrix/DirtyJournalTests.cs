using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Matrix;

/// <summary>Images the kernel's ext4 left behind in the middle of its work: our read-only tree is the tree after
/// e2fsck -fy of a copy (or the kernel's recovery), and our image stays as it was.</summary>
public sealed class DirtyJournalTests
{
    private const int Operations = 3000;
    private const int MostAttempts = 4;

    public static TheoryData<string, ulong> Cases
    {
        get
        {
            var cases = new TheoryData<string, ulong>();
            foreach (string name in new[]
            {
                "ext4", "ext4+1k", "ext4+nocsum", "ext4-uninit", "ext3", "ext3+1k", "no-64bit", "csum-seed", "bigalloc",
                "inline-data", "orphan-file", "fast-commit", "fast-commit+1k", "ea-inode", "everything",
            })
            {
                cases.Add(name, 1);
                cases.Add(name, 2);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_tree_is_that_after_recovery(string name, ulong seed)
    {
        Recipe recipe = RecipeBook.All[name];
        Assert.SkipWhen(ImageMaker.CannotMake(recipe) is not null, ImageMaker.CannotMake(recipe) ?? "");
        (TestImage dirty, TestImage recovered) = MakeRecoverable(recipe, seed);
        using TestImage image = dirty;
        using TestImage repaired = recovered;
        TreeSnapshot expected = Oracle.Capture(recipe, repaired);
        string hash = image.Hash();
        TreeSnapshot actual;
        using (Volume volume = EngineVolume.OpenReadOnly(image))
        {
            actual = VolumeTree.Capture(volume);
        }
        RemoveWhatTheKernelChanges(recipe, expected);
        RemoveWhatTheKernelChanges(recipe, actual);
        TreeSnapshot.AssertSame(expected, actual, [.. VolumeTree.Unknown, .. ChangedByRepair]);
        Assert.Equal(hash, image.Hash());
    }

    [Fact]
    public void Without_the_journal_the_tree_is_that_of_a_kernel_mount_without_it()
    {
        Recipe recipe = RecipeBook.All["ext4"];
        Assert.SkipWhen(ImageMaker.CannotMake(recipe) is not null, ImageMaker.CannotMake(recipe) ?? "");
        using TestImage image = DirtyImage.Make(recipe, seed: 3, Operations);
        TreeSnapshot expected;
        using (var mount = new LoopMount(image.Path, "ro,noload"))
        {
            expected = MountedTree.Capture(mount.MountPoint);
        }
        using Volume volume = EngineVolume.OpenReadOnly(image, loadJournal: false);
        TreeSnapshot.AssertSame(expected, VolumeTree.Capture(volume), VolumeTree.Unknown);
    }

    /// <summary>An image with a dirty journal, and what its recovery made of a copy. Now and then the kernel cannot replay
    /// the fast commits that it wrote itself: then nobody can say what the tree is, and it has to write others.</summary>
    private static (TestImage Dirty, TestImage Recovered) MakeRecoverable(Recipe recipe, ulong seed)
    {
        for (int attempt = 1; ; attempt++)
        {
            TestImage image = DirtyImage.Make(recipe, seed, Operations);
            TestImage? copy = null;
            try
            {
                Assert.Contains("needs_recovery", Tool.Check("dumpe2fs", "-h", image.Path), StringComparison.Ordinal);
                copy = image.Copy();
                Recover(recipe, copy);
                return (image, copy);
            }
            catch (Exception failure)
            {
                copy?.Dispose();
                image.Dispose();
                bool isOurLuck = failure is OracleException && attempt < MostAttempts
                    && recipe.Features.Contains("fast_commit", StringComparison.Ordinal);
                if (!isOurLuck)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>When the kernel replays fast commits it gives the directories the time of the replay, and counts the
    /// blocks of files where it should count their clusters.</summary>
    private static void RemoveWhatTheKernelChanges(Recipe recipe, TreeSnapshot snapshot)
    {
        if (!recipe.Features.Contains("fast_commit", StringComparison.Ordinal))
        {
            return;
        }
        foreach (NodeRecord node in snapshot.Nodes.Values)
        {
            if (node["mode"].StartsWith('4'))
            {
                node.Remove("modification-time");
                node.Remove("change-time");
            }
            else if (recipe.Features.Contains("bigalloc", StringComparison.Ordinal))
            {
                node.Remove("blocks");
            }
        }
    }

    /// <summary>e2fsck 1.47 miscounts when it replays fast commits (directories of a group, clusters of a file): there
    /// the kernel recovers, by a mount.</summary>
    private static void Recover(Recipe recipe, TestImage image)
    {
        if (!recipe.Features.Contains("fast_commit", StringComparison.Ordinal))
        {
            E2fsck.RecoverAfterCrash(image.Path);
            return;
        }
        using var mount = new LoopMount(image.Path);
        mount.Unmount();
    }

    /// <summary>e2fsck frees what orphans hold; a read-only mount leaves them alone.</summary>
    private static string[] ChangedByRepair => ["free-blocks", "available-blocks", "free-inodes"];
}
