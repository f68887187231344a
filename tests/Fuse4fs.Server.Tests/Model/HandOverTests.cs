using System.Globalization;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Model;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Server.Tests.Model;

/// <summary>One image, written by us and by the kernel in turn: at every hand-over e2fsck finds nothing, and who takes
/// over sees what the other one left.</summary>
public sealed class HandOverTests
{
    /// <summary>FUSE4FS_TEST_HANDOVER_TURNS: by each of the two.</summary>
    private static readonly int s_turns = int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_HANDOVER_TURNS") ?? "2", CultureInfo.InvariantCulture);

    /// <summary>FUSE4FS_TEST_HANDOVER_OPERATIONS: in one turn.</summary>
    private static readonly int s_operations = int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_HANDOVER_OPERATIONS") ?? "250", CultureInfo.InvariantCulture);

    /// <summary>FUSE4FS_TEST_HANDOVER_FEATURES: other names of images/recipes.ini, blanks between.</summary>
    private static readonly string s_features = Environment.GetEnvironmentVariable("FUSE4FS_TEST_HANDOVER_FEATURES")
        ?? "ext3+1k no-extents ea-inode+1k inline-data+1k";

    /// <summary>What differs between two captures by two implementations although nothing changed.</summary>
    private static readonly string[] s_free =
    [
        "attributes", "access-time", "ranges", "blocks", "block-size", "readdir",
    ];

    public static TheoryData<string> FeatureSets => [.. s_features.Split(' ')];

    [Theory]
    [MemberData(nameof(FeatureSets))]
    public void The_kernel_and_we_take_over_from_each_other(string features)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(RecipeBook.All[features] with { Fill = [] });
        bool hasLarge = RecipeBook.All[features].Features.Contains("ea_inode", StringComparison.Ordinal);
        TreeSnapshot? left = null;
        for (int turn = 0; turn < 2 * s_turns; turn++)
        {
            left = turn % 2 == 0 ? WorkOfOurs(image, left, turn, hasLarge) : WorkOfKernel(image, left, turn, hasLarge);
            image.AssertClean();
        }
    }

    private static TreeSnapshot WorkOfOurs(TestImage image, TreeSnapshot? left, int turn, bool hasLarge)
    {
        using var mount = new FuseMount(image.Path, "rw,nodev,allow_other,default_permissions");
        TreeSnapshot tree = Work(mount.MountPoint, left, turn, hasLarge);
        mount.Unmount();
        return tree;
    }

    private static TreeSnapshot WorkOfKernel(TestImage image, TreeSnapshot? left, int turn, bool hasLarge)
    {
        using var mount = new LoopMount(image.Path, "nodev");
        TreeSnapshot tree = Work(mount.MountPoint, left, turn, hasLarge);
        mount.Unmount();
        return tree;
    }

    private static TreeSnapshot Work(string mountPoint, TreeSnapshot? left, int turn, bool hasLarge)
    {
        if (left is not null)
        {
            TreeSnapshot.AssertSame(left, Capture(mountPoint));
        }
        using (var executor = new OperationExecutor(new HostPath(mountPoint)) { HasLargeValues = hasLarge })
        {
            var generator = new OperationGenerator((ulong)turn + 1);
            for (int i = 0; i < s_operations; i++)
            {
                executor.Execute(generator.Next());
            }
        }
        return Capture(mountPoint);
    }

    private static TreeSnapshot Capture(string mountPoint)
    {
        TreeSnapshot snapshot = MountedTree.Capture(mountPoint);
        snapshot.Remove(TreeSnapshot.FileSystem);
        foreach (NodeRecord node in snapshot.Nodes.Values)
        {
            foreach (string field in s_free)
            {
                node.Remove(field);
            }
        }
        return snapshot;
    }
}
