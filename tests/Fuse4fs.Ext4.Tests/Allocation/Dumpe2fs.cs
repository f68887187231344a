using System.Globalization;
using System.Text.RegularExpressions;
using Fuse4fs.Testing;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>What dumpe2fs says of an image.</summary>
internal static partial class Dumpe2fs
{
    public static ulong FreeBlocks(string image) => Number(Tool.Check("dumpe2fs", "-h", image), "Free blocks");

    public static ulong FreeInodes(string image) => Number(Tool.Check("dumpe2fs", "-h", image), "Free inodes");

    /// <summary>Where a group's block bitmap is, from the whole output.</summary>
    public static ulong BlockBitmapOf(string output, int group) => Find(BitmapPattern(), output, group);

    /// <summary>How many blocks a group has free, from the whole output.</summary>
    public static ulong FreeBlocksOf(string output, int group) => Find(FreePattern(), output, group);

    private static ulong Find(Regex pattern, string output, int group) =>
        ulong.Parse(
            pattern.Match(GroupPattern().Split(output)[group + 1]).Groups[1].Value, CultureInfo.InvariantCulture);

    /// <summary>A number of the superblock, from the whole output.</summary>
    public static ulong Number(string output, string field)
    {
        string line = output.Split('\n').Single(text => text.StartsWith(field + ":", StringComparison.Ordinal));
        return ulong.Parse(line[(field.Length + 1)..].Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>First block and end of the inode tables of groups with unused inodes that were never written.</summary>
    public static List<(ulong First, ulong End)> UnzeroedTables(string output)
    {
        var tables = new List<(ulong First, ulong End)>();
        foreach (string group in GroupPattern().Split(output).Skip(1))
        {
            if (group.Contains("INODE_UNINIT", StringComparison.Ordinal)
                && !group.Contains("ITABLE_ZEROED", StringComparison.Ordinal))
            {
                Match table = TablePattern().Match(group);
                ulong first = ulong.Parse(table.Groups[1].Value, CultureInfo.InvariantCulture);
                ulong last = ulong.Parse(table.Groups[2].Value, CultureInfo.InvariantCulture);
                tables.Add((first, last + 1));
            }
        }
        return tables;
    }

    [GeneratedRegex(@"\b(\d+) free blocks")]
    private static partial Regex FreePattern();

    [GeneratedRegex(@"\nGroup \d+:")]
    private static partial Regex GroupPattern();

    [GeneratedRegex(@"Inode table at (\d+)-(\d+)")]
    private static partial Regex TablePattern();

    [GeneratedRegex(@"Block bitmap at (\d+)")]
    private static partial Regex BitmapPattern();
}
