using System.Text.Json;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>Ways to open an image, and who may.</summary>
public sealed class OpeningTests
{
    [Fact]
    public void Finds_a_file_system_inside_a_bigger_file()
    {
        using var image = new TestImage("-t ext4 -L inside");
        string disk = image.Directory.Combine("disk");
        Tool.Shell($"truncate -s 3M '{disk}'; cat '{image.Path}' >> '{disk}'");
        JsonElement info = Inspect.Json("info", disk, "-o", "offset=3145728");
        Assert.Equal("inside", info.GetProperty("volume").GetProperty("label").GetString());
        Assert.Equal(1, Inspect.Run("info", disk).ExitCode);
    }

    [Fact]
    public void Maps_tell_positions_in_the_file_that_was_named()
    {
        using var image = new TestImage("-t ext4");
        string contents = image.Directory.Combine("contents");
        File.WriteAllText(contents, "something to be found again");
        Debugfs.Write(image.Path, $"write {contents} file");
        string disk = image.Directory.Combine("disk");
        Tool.Shell($"truncate -s 3M '{disk}'; cat '{image.Path}' >> '{disk}'");
        long address = Inspect.Json("map", disk, "file", "-o", "offset=3145728").GetProperty("address").GetInt64();
        Assert.Equal("something to be found again",
            Tool.Shell($"dd if='{disk}' bs=1 skip={address} count=27 status=none"));
    }

    [Fact]
    public void Uses_a_backup_superblock()
    {
        using var image = new TestImage("-t ext4 -b 4096 -L backup", 256L << 20);
        Tool.Shell($"dd if=/dev/zero of='{image.Path}' bs=1k seek=1 count=1 conv=notrunc status=none");
        ToolResult result = Inspect.Run("info", image.Path, "-o", "sb=131072");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("superblock at byte:          134217728", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Replays_a_dirty_journal_in_memory_and_leaves_the_image_alone()
    {
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new LoopMount(image.Path);
        Tool.Shell($"cd '{mount.MountPoint}'; sync -f .; mkdir fresh; echo words > fresh/file; sync fresh/file fresh");
        using TestImage live = image.Copy();
        string before = live.Hash();
        Assert.Equal("words\n", Inspect.Check("cat", live.Path, "fresh/file"));
        Assert.Equal(1, Inspect.Run("cat", live.Path, "fresh/file", "-o", "noload").ExitCode);
        JsonElement journal = Inspect.Json("info", live.Path).GetProperty("journal");
        Assert.True(journal.GetProperty("replayedTransactions").GetInt64() > 0);
        Assert.Equal(before, live.Hash());
    }

    [Fact]
    public void Needs_neither_root_nor_dev_fuse()
    {
        Assert.SkipUnless(Host.IsRoot, "not root: cannot become somebody else");
        Assert.SkipUnless(Host.Without("setpriv") is null, "setpriv is not installed");
        using var image = new TestImage("-t ext4 -L free");
        Tool.Check("chmod", "755", image.Directory.Path);
        Tool.Check("chmod", "444", image.Path);
        // A copy, because the build may lie where others must not look.
        string program = image.Directory.CreateSubdirectory("program");
        Tool.Shell($"cp -r '{AppContext.BaseDirectory}'/. '{program}'; chmod -R a+rX '{program}'");
        ToolResult result = Tool.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--",
            Path.Combine(program, "fuse4fs"), "info", image.Path);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("free", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nonexistent", "No such file or directory")]
    [InlineData("/dev/null", "")]
    [InlineData("/", "Is a directory")]
    public void Says_in_one_line_why_it_cannot(string path, string words)
    {
        ToolResult result = Inspect.Run("ls", path);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains(words, result.Errors, StringComparison.Ordinal);
        Assert.StartsWith("fuse4fs: ", result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Refuses_words_that_do_not_apply()
    {
        using var image = new TestImage("-t ext4", 8L << 20);
        Assert.Equal(1, Inspect.Run("ls", image.Path, "-o", "rw").ExitCode);
        Assert.Equal(1, Inspect.Run("ls", image.Path, "-o", "offset=near").ExitCode);
    }
}
