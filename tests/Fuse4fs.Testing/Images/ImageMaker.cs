using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Makes images from recipes.</summary>
public static class ImageMaker
{
    /// <summary>Why this machine cannot make an image, or null when it can.</summary>
    public static string? CannotMake(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return !Host.IsRoot ? "not root: owners and device nodes cannot be made"
            : recipe.IsOffline ? Host.Without("mke2fs") ?? Host.Without("debugfs")
            : Host.NoKernelExt4;
    }

    /// <summary>Makes the image of a name in images/recipes.ini.</summary>
    public static TestImage Make(string name) => Make(RecipeBook.All[name]);

    /// <summary>Makes an image.</summary>
    public static TestImage Make(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        if (!recipe.IsOffline)
        {
            return Finish(new TestImage(recipe.MakeOptions, recipe.SizeBytes), recipe);
        }
        using var staging = new TemporaryDirectory();
        string tree = staging.CreateSubdirectory("tree");
        var target = new FillTarget(new HostPath(tree)) { IsStaging = true, BlockSizeBytes = recipe.BlockSizeBytes };
        foreach (string filler in recipe.Fill)
        {
            Fillers.Fill(filler, target);
        }
        return Finish(new TestImage(recipe.MakeOptions, recipe.SizeBytes, tree), recipe);
    }

    private static TestImage Finish(TestImage image, Recipe recipe)
    {
        try
        {
            RunCommands(recipe.Before, image);
            if (!recipe.IsOffline)
            {
                using var mount = new LoopMount(image.Path, recipe.MountOptions);
                var target = new FillTarget(new HostPath(mount.MountPoint)) { BlockSizeBytes = recipe.BlockSizeBytes };
                foreach (string filler in recipe.Fill)
                {
                    Fillers.Fill(filler, target);
                }
                mount.Unmount();
            }
            foreach (string filler in recipe.Fill)
            {
                Fillers.FillOffline(filler, image.Path);
            }
            RunCommands(recipe.After, image);
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    private static void RunCommands(string commands, TestImage image)
    {
        if (commands.Length > 0)
        {
            Tool.Shell($"cd '{RecipeBook.RepositoryRoot}'; IMAGE='{image.Path}'; {commands}");
        }
    }
}
