using System.Text.Json;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>What is asked by mistake, or written where nothing can be written: one line that names what is meant, exit
/// code 1, and nothing lost.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("/dir: Is a directory", "cat", "/dir")]
    [InlineData("/fifo: not a regular file", "cat", "/fifo")]
    [InlineData("/none: No such file or directory", "cat", "/none")]
    [InlineData("/dangling: No such file or directory", "cat", "/dangling")]
    [InlineData("/circle: Too many levels of symbolic links", "cat", "/circle")]
    [InlineData("/file/x: Not a directory", "stat", "/file/x")]
    [InlineData("/file: not a symbolic link", "readlink", "/file")]
    [InlineData("/fifo: has no data", "map", "/fifo")]
    [InlineData("/none: No such file or directory", "find", "/none")]
    [InlineData("/none: No such file or directory", "export", "/none", "--tar", "/dev/null")]
    [InlineData("/nodir/a.tar: No such file or directory", "export", "/", "--tar", "/nodir/a.tar")]
    [InlineData("/tmp: Is a directory", "export", "/", "--tar", "/tmp")]
    [InlineData("/dev/full: No space left on device", "export", "/", "--tar", "/dev/full")]
    public void Mistakes_are_told_in_a_line(string line, string command, params string[] arguments)
    {
        using TestImage image = MakeImage();
        ToolResult result = Inspect.Run([command, image.Path, .. arguments]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"fuse4fs: {line}\n", result.Errors);
        Assert.Equal("", result.Output);
    }

    [Theory]
    [InlineData("ls image")]
    [InlineData("find image")]
    [InlineData("cat image /file")]
    [InlineData("stat image /file")]
    [InlineData("map image /file")]
    [InlineData("readlink image /dangling")]
    [InlineData("info image")]
    [InlineData("probe")]
    [InlineData("completion bash")]
    [InlineData("export image --tar -")]
    public void A_full_output_is_told_and_a_reader_that_left_is_not(string command)
    {
        using TestImage image = MakeImage();
        string line = $"cd '{image.Directory.Path}'; '{Inspect.Program}' {command}";
        ToolResult full = Tool.Run("bash", "-c", $"{line} > /dev/full");
        Assert.Equal(1, full.ExitCode);
        Assert.Equal("fuse4fs: standard output: No space left on device\n", full.Errors);
        // The pipe's reader is gone before anything is written.
        ToolResult left = Tool.Run("bash", "-c", $"exec 3> >(exec <&-); wait $!; {line} >&3");
        Assert.Equal(1, left.ExitCode);
        Assert.Equal("", left.Errors);
    }

    [Fact]
    public void An_archive_never_replaces_the_image_it_is_made_of()
    {
        using TestImage image = MakeImage();
        string before = image.Hash();
        string link = image.Directory.Combine("link");
        File.CreateSymbolicLink(link, image.Path);
        string hardLink = image.Directory.Combine("hard");
        Tool.Check("ln", image.Path, hardLink);
        foreach (string target in (string[])[image.Path, link, hardLink])
        {
            Assert.Equal(1, Inspect.Run("export", image.Path, "--tar", target).ExitCode);
        }
        Assert.Equal(before, image.Hash());
    }

    [Fact]
    public void A_file_can_be_found()
    {
        using TestImage image = MakeImage();
        Assert.Equal("dir/inner\n", Inspect.Check("find", image.Path, "/dir/inner"));
        JsonElement found = Assert.Single(Inspect.JsonLines("find", image.Path, "dir/inner"));
        Assert.Equal("dir/inner", found.GetProperty("name").GetString());
    }

    [Fact]
    public void Help_of_a_command_speaks_of_that_command()
    {
        string help = Inspect.Check("export", "-h");
        Assert.Contains("fuse4fs export <IMAGE> [<PATH>]", help, StringComparison.Ordinal);
        Assert.DoesNotContain("MOUNTPOINT", help, StringComparison.Ordinal);
        Assert.Contains("MOUNTPOINT", Inspect.Check("-h"), StringComparison.Ordinal);
    }

    [Fact]
    public void Probe_works_where_no_directory_can_be_made()
    {
        string output = Tool.Shell($"TMPDIR=/proc/nowhere '{Inspect.Program}' probe");
        Assert.Contains("no trial mount because", output, StringComparison.Ordinal);
    }

    private static TestImage MakeImage()
    {
        Assert.SkipUnless(Host.Without("mke2fs") is null, Host.Without("mke2fs") ?? "");
        using var directory = new TemporaryDirectory();
        string tree = directory.CreateSubdirectory("tree");
        Tool.Shell($"cd '{tree}'; mkdir dir; echo x > dir/inner; head -c 300000 /dev/zero > file; mkfifo fifo;"
            + " ln -s nowhere dangling; ln -s circle circle");
        return new TestImage("-t ext4 -b 1024", 8L << 20, tree);
    }
}
