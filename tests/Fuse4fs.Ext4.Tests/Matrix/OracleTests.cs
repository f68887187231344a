using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Matrix;

/// <summary>Tests the testers: two independent oracles agree about the same image.</summary>
public sealed class OracleTests
{
    /// <summary>debugfs does not dump files of terabytes.</summary>
    private const string NotDumped = "/sparse/terabyte";

    [Theory]
    [InlineData("ext4")]
    [InlineData("ext3+1k")]
    [InlineData("inline-data")]
    [InlineData("inode-128")]
    public void Debugfs_and_the_kernel_see_the_same_tree(string name)
    {
        Recipe recipe = RecipeBook.All[name];
        Assert.SkipWhen(ImageMaker.CannotMake(recipe) is not null, ImageMaker.CannotMake(recipe) ?? "");
        using TestImage image = ImageMaker.Make(recipe);
        image.AssertClean();
        TreeSnapshot byDebugfs = DebugfsTree.Capture(image.Path);
        using var mount = new LoopMount(image.Path, "ro");
        TreeSnapshot byKernel = MountedTree.Capture(mount.MountPoint);
        byKernel.Remove(TreeSnapshot.FileSystem);
        foreach (string big in byKernel.Nodes.Keys.Where(path => IsBig(byKernel.At(path))))
        {
            byKernel.At(big).Remove("contents");
        }
        Assert.True(byKernel.Nodes.ContainsKey(NotDumped));
        TreeSnapshot.AssertSame(byKernel, byDebugfs, [.. DebugfsTree.Unknown, .. UnlikeStat(recipe)]);
    }

    /// <summary>stat adds one unit of 512 bytes for inline contents; debugfs shows the inode's own count.</summary>
    private static string[] UnlikeStat(Recipe recipe) =>
        recipe.Features.Contains("inline_data", StringComparison.Ordinal) ? ["blocks"] : [];

    private static bool IsBig(NodeRecord node) => node["size"].Length > 8;
}
