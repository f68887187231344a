using System.Globalization;
using Fuse4fs.Testing.Trees;

namespace Fuse4fs.Testing.Model;

/// <summary>Prepares trees that two file systems reached by the same operations for comparison: what an implementation
/// may choose freely is removed.</summary>
public static class ModelTree
{
    private const uint IndexedFlag = 0x1000;
    private const uint ExtentsFlag = 0x80000;
    private const uint InlineFlag = 0x1000_0000;

    /// <summary>Inode numbers, generations, places and times; how much space the map and a directory take; whether a
    /// directory has an index.</summary>
    private static readonly string[] s_free =
    [
        "inode", "entry-inode", "generation", "blocks", "block-size", "access-time", "modification-time", "change-time",
        "birth-time", "ranges", "attributes",
    ];

    /// <summary>The tree below a mount point, reduced.</summary>
    public static TreeSnapshot Capture(string mountPoint)
    {
        TreeSnapshot snapshot = MountedTree.Capture(mountPoint);
        snapshot.Remove(TreeSnapshot.FileSystem);
        snapshot.Remove("/lost+found");
        foreach (NodeRecord node in snapshot.Nodes.Values)
        {
            foreach (string field in s_free)
            {
                node.Remove(field);
            }
            if (uint.TryParse(node["flags"], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint flags))
            {
                node["flags"] = (flags & ~(IndexedFlag | ExtentsFlag | InlineFlag)).ToString("X", CultureInfo.InvariantCulture);
            }
            if (node["mode"].StartsWith('4'))
            {
                node.Remove("size");
            }
        }
        return snapshot;
    }
}
