using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>Makes a server meet every kind of request a few thousand times on files of their own, so that its code is
/// compiled while its caches know nothing of the files that are measured.</summary>
internal static class WarmUp
{
    private const string Files = "2000";
    private const string Directories = "100";
    private static readonly TimeSpan CompilerPause = TimeSpan.FromMilliseconds(400);

    /// <summary>The files that <see cref="Read"/> needs.</summary>
    public static void Fill(string root, LoadGenerator load)
    {
        string directory = Path.Combine(root, "warm");
        Directory.CreateDirectory(directory);
        load.Run("spread", directory, Directories);
        load.Run("fill", directory, Directories, Files, "8k");
        load.Run("fill", root, "1", "1", "16m");
        Directory.Move(Path.Combine(root, "file-000000"), Path.Combine(root, "warm-data"));
    }

    /// <summary>Reading requests.</summary>
    public static void Read(Workplace place)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            Caches.Drop();
            place.Load.Run("read-tree", place.At("warm"));
            place.Load.Run("stat", place.At("warm"), Directories, Files);
            place.Load.Run("random", place.At("warm-data"), "4k", "direct", "4", "4000", "1");
            place.Load.Run("random", place.At("warm-data"), "4k", "cached", "1", "4000", "1");
            place.Load.Run("read", place.At("warm-data"), "128k", "direct", "1");
            Thread.Sleep(CompilerPause);
        }
    }

    /// <summary>Changing requests; leaves nothing behind.</summary>
    public static void Write(Workplace place)
    {
        string directory = place.At("warm");
        for (int pass = 0; pass < 2; pass++)
        {
            Directory.CreateDirectory(directory);
            place.Load.Run("spread", directory, Directories);
            place.Load.Run("fill", directory, Directories, Files, "8k");
            place.Load.Run("rename", directory, Directories, Files);
            place.Load.Run("sync", Path.Combine(directory, "durable-"), "20");
            place.Load.Run("writers", Path.Combine(directory, "written"), "128k", "1", "16m");
            place.Load.Run("unlink", directory, Directories, Files);
            Command.Run("rm", "-rf", directory);
            Thread.Sleep(CompilerPause);
        }
    }
}
