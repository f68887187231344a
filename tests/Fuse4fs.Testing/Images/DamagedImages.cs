namespace Fuse4fs.Testing.Images;

/// <summary>The damaged images of images/damaged: each was a bug once.</summary>
public static class DamagedImages
{
    private static readonly string s_directory = Path.Combine(RecipeBook.RepositoryRoot, "images", "damaged");

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names => Directory.EnumerateFiles(s_directory).Select(file => Path.GetFileName(file)!)
        .Where(name => !name.Contains('.', StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>Why this machine cannot make one, or null when it can.</summary>
    public static string? CannotMake =>
        Host.Without("mke2fs") ?? Host.Without("debugfs") ?? Host.Without("e2fsck") ?? Host.Without("dd");

    /// <summary>Makes one.</summary>
    /// <param name="name">Of <see cref="Names"/>.</param>
    /// <param name="path">The file to be made.</param>
    public static void Make(string name, string path) => Tool.Check("bash", Path.Combine(s_directory, name), path);
}
