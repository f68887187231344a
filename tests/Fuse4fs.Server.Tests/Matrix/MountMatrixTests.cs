using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Server.Tests.Matrix;

/// <summary>The tree of every image in images/recipes.ini, seen through our mount, is the tree the kernel's own mount
/// shows: names, every field of stat, statx and statfs, xattrs, flags, contents, data ranges.</summary>
public sealed class MountMatrixTests
{
    public static TheoryData<string> Recipes => [.. RecipeBook.All.Keys];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Our_mount_shows_what_the_oracle_shows(string name)
    {
        Recipe recipe = RecipeBook.All[name];
        string? reason = ImageMaker.CannotMake(recipe) ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(recipe);
        TreeSnapshot expected = Oracle.Capture(recipe, image);
        string hash = image.Hash();
        TreeSnapshot actual;
        string options = image.JournalPath is { } journal ? $"ro,journal_path={journal}" : "ro";
        using (var mount = new FuseMount(image.Path, options))
        {
            actual = MountedTree.Capture(mount.MountPoint);
            mount.Unmount();
        }
        Oracle.Reduce(recipe, actual);
        TreeSnapshot.AssertSame(expected, actual, [.. MountedTree.HiddenByFuse, .. Oracle.Unknown(recipe)]);
        Assert.Equal(hash, image.Hash());
    }

    /// <summary>Fragment size, blocks, free, available, inodes, free inodes, length of names: all that FUSE carries.
    /// </summary>
    [Theory]
    [InlineData("ext4")]
    [InlineData("ext3+1k")]
    [InlineData("bigalloc")]
    [InlineData("meta-bg+1k")]
    [InlineData("sparse-super2")]
    public void Statfs_counts_as_the_kernel_with_minixdf_too(string name)
    {
        Recipe recipe = RecipeBook.All[name];
        string? reason = ImageMaker.CannotMake(recipe) ?? Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(recipe);
        string expected;
        using (var kernel = new LoopMount(image.Path, "ro,minixdf"))
        {
            expected = Figures(kernel.MountPoint);
            kernel.Unmount();
        }
        using var ours = new FuseMount(image.Path, "ro,minixdf");
        Assert.Equal(expected, Figures(ours.MountPoint));
        ours.Unmount();
    }

    private static string Figures(string mountPoint) => Tool.Check("stat", "-f", "-c", "%s %S %b %f %a %c %d %l", mountPoint);
}
