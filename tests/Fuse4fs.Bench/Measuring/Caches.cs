namespace Fuse4fs.Bench.Measuring;

/// <summary>The kernel's caches: what "cold" means in this benchmark.</summary>
internal static class Caches
{
    /// <summary>Writes everything back, then drops page cache, directory entries and inodes of the whole machine: of
    /// the mount under test, of the image's file, and of the loop device.</summary>
    public static void Drop()
    {
        Command.Run("sync");
        File.WriteAllText("/proc/sys/vm/drop_caches", "3\n");
    }
}
