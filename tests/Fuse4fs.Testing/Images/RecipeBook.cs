using System.Globalization;

namespace Fuse4fs.Testing.Images;

/// <summary>The recipes of images/recipes.ini.</summary>
public static class RecipeBook
{
    private const string Core = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"
        + "sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum";

    private static readonly Lazy<IReadOnlyDictionary<string, Recipe>> s_recipes = new(Load);

    /// <summary>The repository's root: the directory with the solution.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>All recipes by name, variants included.</summary>
    public static IReadOnlyDictionary<string, Recipe> All => s_recipes.Value;

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Fuse4fs.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return directory ?? throw new InvalidOperationException("Not run from inside the repository.");
    }

    private static Dictionary<string, Recipe> Load()
    {
        var recipes = new Dictionary<string, Recipe>(StringComparer.Ordinal);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        string name = "";
        foreach (string line in File.ReadLines(Path.Combine(RepositoryRoot, "images", "recipes.ini")).Append("[]"))
        {
            if (line.StartsWith('['))
            {
                Finish(name, fields, recipes);
                name = line.Trim('[', ']');
                fields.Clear();
            }
            else if (line.Length > 0 && !line.StartsWith('#'))
            {
                int equals = line.IndexOf('=', StringComparison.Ordinal);
                fields.Add(line[..equals].Trim(), line[(equals + 1)..].Trim());
            }
        }
        return recipes;
    }

    private static void Finish(string name, Dictionary<string, string> fields, Dictionary<string, Recipe> recipes)
    {
        if (name.Length == 0)
        {
            return;
        }
        string Field(string key, string otherwise = "") => fields.Remove(key, out string? value) ? value : otherwise;
        string[] variants = Words(Field("variants"));
        var recipe = new Recipe
        {
            Name = name,
            Features = Field("features").Replace("$core", Core, StringComparison.Ordinal),
            Options = Field("options"),
            SizeBytes = ParseSize(Field("size", "64M")),
            Fill = Words(Field("fill", "tree")),
            IsOffline = Field("how", "kernel") == "offline",
            MountOptions = Field("mount"),
            Before = Field("before"),
            After = Field("after"),
            Oracle = Field("oracle"),
            Proves = Field("proves"),
        };
        if (fields.Count > 0)
        {
            throw new InvalidDataException($"images/recipes.ini: [{name}] has unknown fields: {string.Join(' ', fields.Keys)}");
        }
        recipes.Add(name, recipe);
        foreach (string variant in variants)
        {
            Recipe varied = Vary(recipe, variant);
            recipes.Add(varied.Name, varied);
        }
    }

    private static Recipe Vary(Recipe recipe, string variant) => variant switch
    {
        "nocsum" => recipe with { Name = recipe.Name + "+nocsum", Features = recipe.Features + ",^metadata_csum" },
        "1k" => recipe with { Name = recipe.Name + "+1k", Options = recipe.Options + " -b 1024" },
        _ => throw new InvalidDataException($"images/recipes.ini: [{recipe.Name}] has an unknown variant {variant}"),
    };

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static long ParseSize(string text) => long.Parse(text.TrimEnd('M'), CultureInfo.InvariantCulture) << 20;
}
