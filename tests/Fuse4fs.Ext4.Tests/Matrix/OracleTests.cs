using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Matrix;

/// <summary>Tests the testers: two independent oracles agree about the same image.</summary>
public sealed class OracleTests
{
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
        Oracle.Reduce(recipe with { Oracle = "debugfs" }, byKernel);
        TreeSnapshot.AssertSame(byKernel, byDebugfs, [.. DebugfsTree.Unknown, .. UnlikeStat(recipe)]);
    }

    /// <summary>stat adds one unit of 512 bytes for inline contents; debugfs shows the inode's own count.</summary>
    private static string[] UnlikeStat(Recipe recipe) =>
        recipe.Features.Contains("inline_data", StringComparison.Ordinal) ? ["blocks"] : [];
}
