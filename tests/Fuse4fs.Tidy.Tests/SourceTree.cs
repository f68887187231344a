namespace Fuse4fs.Tidy.Tests;

/// <summary>The repository's own sources.</summary>
internal static class SourceTree
{
    private static readonly string[] s_roots = ["src", "tests"];

    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file that is not generated.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } = [.. s_roots.SelectMany(Enumerate).Select(SourceFile.Read)];

    /// <summary>The files below a folder, named from the root.</summary>
    public static IEnumerable<SourceFile> Below(string folder) =>
        Files.Where(file => file.Path.StartsWith(folder + "/", StringComparison.Ordinal));

    /// <summary>Every project file.</summary>
    public static IEnumerable<string> Projects => s_roots.SelectMany(root =>
        Directory.GetFiles(Path.Combine(Root, root), "*.csproj", SearchOption.AllDirectories));

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Fuse4fs.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return directory ?? throw new InvalidOperationException("Not run from inside the repository.");
    }

    private static IEnumerable<string> Enumerate(string root) =>
        Directory.GetFiles(Path.Combine(Root, root), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj"));
}
