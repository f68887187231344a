using Fuse4fs.Testing.Images;

namespace Fuse4fs.Testing.Trees;

/// <summary>What an image of a recipe contains, according to someone else than us.</summary>
public static class Oracle
{
    private const int LongestDumpedSizeDigits = 8;

    /// <summary>The tree as the kernel's ext4 shows it, or debugfs where a kernel may not be able to mount it.</summary>
    public static TreeSnapshot Capture(Recipe recipe, TestImage image)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(image);
        if (recipe.IsJudgedByDebugfs)
        {
            return DebugfsTree.Capture(image.Path);
        }
        using var mount = new LoopMount(image.Path, recipe.Oracle.Length == 0 ? "ro" : "ro," + recipe.Oracle);
        return MountedTree.Capture(mount.MountPoint);
    }

    /// <summary>Fields the oracle of a recipe cannot know.</summary>
    public static string[] Unknown(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return recipe.IsJudgedByDebugfs ? DebugfsTree.Unknown : [];
    }

    /// <summary>Removes from a snapshot what the oracle of a recipe does not have: of debugfs the file system's figures
    /// and the contents of huge files.</summary>
    public static void Reduce(Recipe recipe, TreeSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(snapshot);
        if (!recipe.IsJudgedByDebugfs)
        {
            return;
        }
        snapshot.Remove(TreeSnapshot.FileSystem);
        foreach (NodeRecord node in snapshot.Nodes.Values.Where(node => node["size"].Length > LongestDumpedSizeDigits))
        {
            node.Remove("contents");
        }
    }
}
