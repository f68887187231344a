using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Matrix;

/// <summary>The tree of every image in images/recipes.ini, read by the engine, is the tree the kernel (or debugfs, for
/// what this kernel cannot mount) sees; and reading leaves the image as it was.</summary>
public sealed class EngineMatrixTests
{
    public static TheoryData<string> Recipes => [.. RecipeBook.All.Keys];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void The_engine_sees_what_the_oracle_sees(string name)
    {
        Recipe recipe = RecipeBook.All[name];
        Assert.SkipWhen(ImageMaker.CannotMake(recipe) is not null, ImageMaker.CannotMake(recipe) ?? "");
        using TestImage image = ImageMaker.Make(recipe);
        image.AssertClean();
        TreeSnapshot expected = Oracle.Capture(recipe, image);
        string hash = image.Hash();
        TreeSnapshot actual;
        using (Volume volume = EngineVolume.OpenReadOnly(image))
        {
            actual = VolumeTree.Capture(volume);
        }
        Oracle.Reduce(recipe, actual);
        TreeSnapshot.AssertSame(expected, actual, [.. VolumeTree.Unknown, .. Oracle.Unknown(recipe)]);
        Assert.Equal(hash, image.Hash());
    }
}
