namespace Fuse4fs.Containers.Tests;

/// <summary>The working tree these tests were built in.</summary>
internal static class Repository
{
    /// <summary>The folder with Fuse4fs.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Fuse4fs.sln")))
            {
                return at.FullName;
            }
        }
        throw new InvalidOperationException("not run from a working tree");
    }
}
