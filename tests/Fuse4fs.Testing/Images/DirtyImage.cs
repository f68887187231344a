using Fuse4fs.Testing.Model;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>Images as a power cut leaves them: the kernel's ext4 stopped in the middle of random work, with committed
/// transactions, fast commits and orphans in the journal.</summary>
public static class DirtyImage
{
    /// <summary>The number that makes OpenHandle create, and SyncHandle call fsync.</summary>
    private const uint CreateReadWrite = 8;

    private static readonly OperationKind[] s_createWriteSync =
        [OperationKind.OpenHandle, OperationKind.WriteHandle, OperationKind.SyncHandle];

    /// <summary>Makes one.</summary>
    /// <param name="recipe">Features; its contents are not filled in.</param>
    /// <param name="seed">Of the work.</param>
    /// <param name="operations">How many.</param>
    public static TestImage Make(Recipe recipe, ulong seed, int operations)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        TestImage image = ImageMaker.Make(recipe with { Fill = [] });
        try
        {
            using var mount = new LoopMount(image.Path, "nodev");
            using (var executor = new OperationExecutor(new HostPath(mount.MountPoint)))
            {
                Work(executor, mount, new OperationGenerator(seed), operations);
                RequireFastCommits(recipe, mount);
                mount.Shutdown();
            }
            mount.Unmount();
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    private static void RequireFastCommits(Recipe recipe, LoopMount mount)
    {
        if (!recipe.Features.Contains("fast_commit", StringComparison.Ordinal))
        {
            return;
        }
        string device = Path.GetFileName(Tool.Check("findmnt", "-n", "-o", "SOURCE", mount.MountPoint).Trim());
        string statistics = File.ReadAllText($"/proc/fs/ext4/{device}/fc_info");
        if (statistics.StartsWith("fc stats:\n0 commits", StringComparison.Ordinal))
        {
            throw new OracleException($"the kernel made no fast commit: {statistics}");
        }
    }

    /// <summary>Most of it becomes durable by one syncfs; the rest by fsync or, being in no commit, not at all.</summary>
    private static void Work(OperationExecutor executor, LoopMount mount, OperationGenerator generator, int operations)
    {
        for (int count = 0; count < operations; count++)
        {
            executor.Execute(generator.Next());
            if (count == operations / 2)
            {
                int descriptor = Posix.Open(new HostPath(mount.MountPoint), OpenMode.Read | OpenMode.Directory);
                FillTarget.Require(Posix.SyncFileSystem(descriptor), "syncfs", new HostPath(mount.MountPoint));
                Posix.Close(descriptor);
            }
        }
        // Simple changes, each followed by fsync: what a fast commit can hold, where the journal has an area for them.
        for (int index = 0; index < 12; index++)
        {
            string name = $"last-{index}";
            foreach (OperationKind kind in s_createWriteSync)
            {
                executor.Execute(new Operation(kind, name, "", 0, index * 3000, 5000, CreateReadWrite));
            }
            string other = $"last-{index / 2}";
            OperationKind change = index % 3 == 0 ? OperationKind.Unlink : OperationKind.Link;
            executor.Execute(new Operation(change, other, $"linked-{index}", 0, 0, 0, 0));
        }
        foreach (OperationKind kind in s_createWriteSync)
        {
            executor.Execute(new Operation(kind, "very-last", "", 0, 0, 100, CreateReadWrite));
        }
    }
}
