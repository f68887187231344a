using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>fuse4fs export, read back by GNU tar onto the kernel's ext4, against the kernel's mount of the
/// source.</summary>
public sealed class ExportTests
{
    private const string RoomyOptions = "-t ext4 -O ^has_journal,ea_inode -I 1024 -N 30000";

    /// <summary>What no archive carries: where things are, when they were made there, and what the copy's own layout
    /// decides.</summary>
    private static readonly string[] s_ofTheCopy =
    [
        "inode", "entry-inode", "generation", "change-time", "birth-time", "access-time", "block-size", "blocks",
        "flags", "extended-flags", "attributes", "ranges",
    ];

    [Theory]
    [InlineData("ext4")]
    [InlineData("ext4+1k")]
    [InlineData("ext3")]
    [InlineData("inline-data")]
    [InlineData("ea-inode")]
    [InlineData("bigalloc")]
    public void Tar_restores_the_tree(string recipe)
    {
        using TestImage image = Prepared.ForKernel(recipe);
        TreeSnapshot expected;
        using (var mount = new LoopMount(image.Path, "ro,noload"))
        {
            expected = Comparable(MountedTree.Capture(mount.MountPoint));
        }
        string archive = image.Directory.Combine("tree.tar");
        ToolResult result = Inspect.Run("export", image.Path, "--tar", archive);
        Assert.True(result.ExitCode == 0, result.ToString());

        // Blocks of the same size, because they decide what is recorded of holes.
        string options = $"{RoomyOptions} -b {RecipeBook.All[recipe].BlockSizeBytes}";
        using var empty = new TestImage(options, 512L << 20);
        using var copy = new LoopMount(empty.Path);
        string[] everything = ["--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*"];
        Tool.Check("tar", ["-C", copy.MountPoint, .. everything, "-xpf", archive]);
        TreeSnapshot actual = Comparable(MountedTree.Capture(copy.MountPoint));
        Assert.Empty(TreeSnapshot.Differences(expected, actual, s_ofTheCopy));
    }

    [Fact]
    public void A_damaged_file_is_reported_and_left_out_and_the_rest_is_exported()
    {
        using TestImage image = Prepared.ForKernel("ext4");
        using (var mount = new LoopMount(image.Path))
        {
            for (int i = 0; i < 3; i++)
            {
                File.WriteAllText(mount.Combine($"file-{i}"), new string('a', 10000));
            }
            mount.Unmount();
        }
        Debugfs.Write(image.Path, "sif file-1 block[0] 0x1234");
        string archive = image.Directory.Combine("tree.tar");
        ToolResult result = Inspect.Run("export", image.Path, "--tar", archive);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("/file-1: ", result.Errors, StringComparison.Ordinal);
        string[] names = Tool.Check("tar", "-tf", archive).Split('\n');
        Assert.Contains("./file-0", names);
        Assert.Contains("./file-2", names);
        Assert.DoesNotContain("./file-1", names);
    }

    [Fact]
    public void A_damaged_directory_is_reported_and_the_rest_is_listed_and_exported()
    {
        using TestImage image = Prepared.ForKernel("ext4");
        using (var mount = new LoopMount(image.Path))
        {
            Tool.Shell($"cd {mount.MountPoint}; mkdir broken whole; for i in $(seq 20); do : > broken/$i; : > whole/$i; done");
            mount.Unmount();
        }
        string block = Debugfs.Read(image.Path, "blocks broken").Trim().Split('\n')[^1].Trim();
        Tool.Shell($"dd if=/dev/urandom of='{image.Path}' bs=4096 seek={block} count=1 conv=notrunc status=none");
        foreach (string[] command in (string[][])[["export", image.Path, "--tar", image.Directory.Combine("tar")],
            ["find", image.Path], ["ls", image.Path, "broken"]])
        {
            ToolResult result = Inspect.Run(command);
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("DirectoryChecksum", result.Errors, StringComparison.Ordinal);
        }
        Assert.Contains("./whole/20", Tool.Check("tar", "-tf", image.Directory.Combine("tar")), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_attributes_may_contain_what_keywords_may_not()
    {
        using TestImage image = Prepared.ForKernel("no-journal");
        string names = string.Join(' ', "user.a=b", "user.=", "user.100%", "user.%3D", "user.%25=");
        using (var mount = new LoopMount(image.Path))
        {
            Tool.Shell($"cd {mount.MountPoint}; : > file; for name in {names}; do setfattr -n $name -v \"of $name\" file; done");
            mount.Unmount();
        }
        string archive = image.Directory.Combine("tree.tar");
        Assert.Equal(0, Inspect.Run("export", image.Path, "file", "--tar", archive).ExitCode);
        using var empty = new TestImage(RoomyOptions);
        using var copy = new LoopMount(empty.Path);
        Tool.Check("tar", "-C", copy.MountPoint, "--xattrs", "--xattrs-include=*", "-xpf", archive);
        Tool.Shell($"cd {copy.MountPoint}; for name in {names}; do"
            + " [ \"$(getfattr --only-values -n $name file)\" = \"of $name\" ] || exit 1; done");
    }

    [Fact]
    public void Files_that_need_a_key_are_reported_and_left_out()
    {
        using TestImage image = Prepared.ForKernel("encrypt");
        string archive = image.Directory.Combine("tree.tar");
        ToolResult result = Inspect.Run("export", image.Path, "--tar", archive);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("/encrypted/", result.Errors, StringComparison.Ordinal);
        Assert.Contains("Required key not available", result.Errors, StringComparison.Ordinal);
        // Directories and links stay, by the names that are seen without the key.
        string[] files = Tool.Check("tar", "-tvf", archive).Split('\n');
        Assert.DoesNotContain(files, line => line.StartsWith('-') && line.Contains("encrypted", StringComparison.Ordinal));
        Assert.Contains(files, line => line.StartsWith('d') && line.Contains("encrypted/", StringComparison.Ordinal));
    }

    [Fact]
    public void A_part_of_the_tree_and_a_single_file_can_be_exported_through_a_pipe()
    {
        using TestImage image = Prepared.ForKernel("ext4");
        using (var mount = new LoopMount(image.Path))
        {
            Directory.CreateDirectory(mount.Combine("part/inner"));
            File.WriteAllText(mount.Combine("part/inner/leaf"), "contents");
            mount.Unmount();
        }
        string listing = Tool.Shell($"'{Inspect.Program}' export '{image.Path}' /part --tar - | tar -tf -");
        Assert.Equal("./\n./inner/\n./inner/leaf\n", listing);
        string export = $"'{Inspect.Program}' export '{image.Path}' part/inner/leaf --tar -";
        string contents = Tool.Shell($"{export} | tar -xOf - leaf");
        Assert.Equal("contents", contents);
    }

    [Fact]
    public void A_huge_sparse_file_stays_small_in_the_archive()
    {
        using TestImage image = Prepared.ForKernel("ext4");
        using (var mount = new LoopMount(image.Path))
        {
            string path = mount.Combine("terabyte");
            Tool.Shell($"truncate -s 1T '{path}'; printf begin | dd of='{path}' conv=notrunc status=none; "
                + $"printf middle | dd of='{path}' bs=1G seek=500 conv=notrunc status=none");
            mount.Unmount();
        }
        string archive = image.Directory.Combine("sparse.tar");
        Inspect.Check("export", image.Path, "/terabyte", "--tar", archive);
        Assert.True(new FileInfo(archive).Length < 100_000);
        string directory = image.Directory.CreateSubdirectory("out");
        Tool.Shell($"cd '{directory}'; tar -xf '{archive}'; [ $(stat -c %s terabyte) = $((1 << 40)) ]; "
            + "[ $(dd if=terabyte bs=1G skip=500 count=1 status=none | head -c 6) = middle ]; "
            + "[ $(stat -c %b terabyte) -lt 100 ]");
    }

    /// <summary>Without sockets, which archives cannot have, and without the figures of the file system; sizes of
    /// directories are the copy's own.</summary>
    private static TreeSnapshot Comparable(TreeSnapshot tree)
    {
        tree.Remove(TreeSnapshot.FileSystem);
        foreach ((string path, NodeRecord node) in tree.Nodes.ToList())
        {
            int type = Convert.ToInt32(node["mode"], 8) >> 12;
            if (type == 12)
            {
                tree.Remove(path);
            }
            else if (type == 4)
            {
                node.Remove("size");
            }
        }
        return tree;
    }
}
