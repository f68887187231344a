using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>Images of the recipes, or a visible skip where this machine cannot make or judge them.</summary>
internal static class Prepared
{
    /// <summary>An image that the kernel can mount.</summary>
    public static TestImage ForKernel(string recipe)
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        return Any(recipe);
    }

    /// <summary>An image that debugfs judges.</summary>
    public static TestImage Any(string recipe)
    {
        string? reason = ImageMaker.CannotMake(RecipeBook.All[recipe]);
        Assert.SkipUnless(reason is null, reason ?? "");
        return ImageMaker.Make(recipe);
    }
}
