using System.Text.Json;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>fuse4fs info against dumpe2fs.</summary>
public sealed class InfoTests
{
    [Theory]
    [InlineData("-t ext4 -L label-of-it")]
    [InlineData("-t ext4 -b 1024 -O ^has_journal,quota,project")]
    [InlineData("-t ext3 -m 20")]
    [InlineData("-t ext2 -r 0")]
    [InlineData("-t ext4 -O bigalloc,inline_data,ea_inode -C 65536")]
    [InlineData("-t ext4 -O fast_commit,orphan_file,metadata_csum_seed -J size=8")]
    public void Says_what_dumpe2fs_says(string options)
    {
        using var image = new TestImage(options, 128L << 20);
        Dictionary<string, string> expected = Dump(image.Path);
        JsonElement info = Inspect.Json("info", image.Path);
        JsonElement geometry = info.GetProperty("geometry");
        JsonElement volume = info.GetProperty("volume");
        JsonElement space = info.GetProperty("space");

        Assert.Equal(expected["Block count"], geometry.GetProperty("blocks").ToString());
        Assert.Equal(expected["Block size"], geometry.GetProperty("blockSize").ToString());
        Assert.Equal(expected["Inode count"], geometry.GetProperty("inodes").ToString());
        Assert.Equal(expected["Inodes per group"], geometry.GetProperty("inodesPerGroup").ToString());
        Assert.Equal(expected["Blocks per group"], geometry.GetProperty("blocksPerGroup").ToString());
        Assert.Equal(expected["Filesystem UUID"], volume.GetProperty("uuid").GetString());
        Assert.Equal(expected["Filesystem volume name"].Replace("<none>", "", StringComparison.Ordinal),
            volume.GetProperty("label").GetString());
        Assert.Equal(expected["Free blocks"], space.GetProperty("freeBlocks").ToString());
        Assert.Equal(expected["Free inodes"], space.GetProperty("freeInodes").ToString());
        Assert.Equal(expected["Reserved block count"], space.GetProperty("reservedBlocks").ToString());
        Assert.Equal(Words(expected["Filesystem features"]), FeaturesOf(info));
        Assert.Equal(expected.ContainsKey("Journal inode"), info.TryGetProperty("journal", out JsonElement journal));
        if (expected.TryGetValue("Total journal blocks", out string? blocks))
        {
            Assert.Equal(blocks, journal.GetProperty("blocks").ToString());
        }
    }

    [Fact]
    public void Shows_recorded_errors()
    {
        using var image = new TestImage("-t ext4");
        Debugfs.Write(image.Path, "ssv error_count 3", "ssv first_error_func some_function", "ssv first_error_line 42",
            "ssv last_error_func other_function", "ssv state 3");
        ToolResult result = Inspect.Run("info", image.Path);
        Assert.Contains("some_function:42", result.Output, StringComparison.Ordinal);
        Assert.Contains("other_function", result.Output, StringComparison.Ordinal);
        Assert.Contains("marked as damaged", result.Errors, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Dump(string image)
    {
        var fields = new Dictionary<string, string>();
        foreach (string line in Tool.Check("dumpe2fs", "-h", image).Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                fields[line[..colon]] = line[(colon + 1)..].Trim();
            }
        }
        return fields;
    }

    private static SortedSet<string> Words(string list) =>
        [.. list.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word != "(none)")];

    private static SortedSet<string> FeaturesOf(JsonElement info) =>
    [
        .. info.GetProperty("features").EnumerateObject()
            .SelectMany(set => set.Value.EnumerateArray()).Select(word => word.GetString()!),
    ];
}
