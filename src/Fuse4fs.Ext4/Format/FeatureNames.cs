using System.Numerics;

namespace Fuse4fs.Ext4.Format;

/// <summary>The names that mke2fs -O and dumpe2fs use for features; unknown bits as dumpe2fs prints them.</summary>
public static class FeatureNames
{
    private static readonly string?[] s_compat =
    [
        "dir_prealloc", "imagic_inodes", "has_journal", "ext_attr", "resize_inode", "dir_index", "lazy_bg", null,
        "snapshot_bitmap", "sparse_super2", "fast_commit", "stable_inodes", "orphan_file",
    ];

    private static readonly string?[] s_incompat =
    [
        "compression", "filetype", "needs_recovery", "journal_dev", "meta_bg", null, "extent", "64bit",
        "mmp", "flex_bg", "ea_inode", null, "dirdata", "metadata_csum_seed", "large_dir", "inline_data",
        "encrypt", "casefold",
    ];

    private static readonly string?[] s_roCompat =
    [
        "sparse_super", "large_file", "btree_dir", "huge_file", "uninit_bg", "dir_nlink", "extra_isize", "snapshot",
        "quota", "bigalloc", "metadata_csum", "replica", "read-only", "project", "shared_blocks", "verity",
        "orphan_present",
    ];

    /// <summary>All names of a set, separated by spaces.</summary>
    public static string Of(CompatFeatures features) => Join((uint)features, s_compat, 'C');

    /// <summary>All names of a set, separated by spaces.</summary>
    public static string Of(IncompatFeatures features) => Join((uint)features, s_incompat, 'I');

    /// <summary>All names of a set, separated by spaces.</summary>
    public static string Of(RoCompatFeatures features) => Join((uint)features, s_roCompat, 'R');

    private static string Join(uint bits, string?[] names, char kind)
    {
        var found = new List<string>();
        for (uint rest = bits; rest != 0; rest &= rest - 1)
        {
            int bit = BitOperations.TrailingZeroCount(rest);
            found.Add((bit < names.Length ? names[bit] : null) ?? $"FEATURE_{kind}{bit}");
        }
        return string.Join(' ', found);
    }
}
