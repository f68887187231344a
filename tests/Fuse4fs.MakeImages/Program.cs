using System.Diagnostics;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;

namespace Fuse4fs.MakeImages;

/// <summary>Makes test images outside of tests: MakeImages DIRECTORY [NAME...]; without a directory lists the recipes.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            foreach (Recipe recipe in RecipeBook.All.Values)
            {
                Console.WriteLine($"{recipe.Name,-24} {recipe.Proves}");
            }
            return 0;
        }
        IEnumerable<string> names = arguments.Length > 1 ? arguments[1..] : RecipeBook.All.Keys;
        int failures = 0;
        Directory.CreateDirectory(arguments[0]);
        foreach (string name in names)
        {
            failures += Make(name, arguments[0]) ? 0 : 1;
        }
        return failures == 0 ? 0 : 1;
    }

    private static bool Make(string name, string directory)
    {
        if (!RecipeBook.All.TryGetValue(name, out Recipe? recipe))
        {
            Console.Error.WriteLine($"{name}: no such recipe in images/recipes.ini");
            return false;
        }
        if (ImageMaker.CannotMake(recipe) is { } reason)
        {
            Console.Error.WriteLine($"{name}: {reason}");
            return false;
        }
        try
        {
            var watch = Stopwatch.StartNew();
            using TestImage image = ImageMaker.Make(recipe);
            image.AssertClean();
            string target = Path.Combine(directory, name + ".img");
            Tool.Check("cp", "--sparse=always", image.Path, target);
            if (File.Exists(image.Path + ".journal"))
            {
                Tool.Check("cp", "--sparse=always", image.Path + ".journal", target + ".journal");
            }
            Console.WriteLine($"{target} ({watch.Elapsed.TotalSeconds:F1} s)");
            return true;
        }
        catch (OracleException failure)
        {
            Console.Error.WriteLine($"{name}: {failure.Message}");
            return false;
        }
    }
}
