using System.Globalization;
using System.Text;
using System.Text.Json;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>find, ls, stat, cat and readlink against the kernel's mount of the same image.</summary>
public sealed class TreeTests
{
    [Theory]
    [InlineData("ext4")]
    [InlineData("ext3+1k")]
    [InlineData("inline-data")]
    [InlineData("many")]
    public void Find_shows_every_name_with_its_attributes(string recipe)
    {
        using TestImage image = Prepared.ForKernel(recipe);
        TreeSnapshot expected;
        using (var mount = new LoopMount(image.Path, "ro,noload"))
        {
            expected = MountedTree.Capture(mount.MountPoint);
        }
        IReadOnlyList<JsonElement> found = Inspect.JsonLines("find", image.Path);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (JsonElement entry in found)
        {
            string path = "/" + ByteText.Escape(BytesOf(entry, "name"));
            Assert.True(names.Add(path), path);
            CompareAttributes(expected.Nodes[path], entry);
        }
        Assert.Equal(expected.Nodes.Keys.Where(IsName), names, StringComparer.Ordinal);
    }

    [Fact]
    public void Find_print0_gives_the_bytes_of_every_name()
    {
        using TestImage image = Prepared.ForKernel("ext4");
        using var mount = new LoopMount(image.Path, "ro,noload");
        string script = $"diff <(cd '{mount.MountPoint}' && find . -mindepth 1 -printf '%P\\0' | sort -z) "
            + $"<('{Inspect.Program}' find -0 '{image.Path}' | sort -z)";
        ToolResult result = Tool.Run("bash", "-c", script);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Theory]
    [InlineData("ext4")]
    [InlineData("inline-data")]
    [InlineData("bigalloc")]
    public void Cat_and_readlink_give_what_the_kernel_reads(string recipe)
    {
        using TestImage image = Prepared.ForKernel(recipe);
        using var mount = new LoopMount(image.Path, "ro,noload");
        string script = $$"""
            cd '{{mount.MountPoint}}'
            find . -type f -size -4M -print0 > '{{image.Path}}.files'
            find . -type l -print0 > '{{image.Path}}.links'
            head -z -n 60 '{{image.Path}}.files' | while IFS= read -r -d '' f; do
                cmp "$f" <('{{Inspect.Program}}' cat '{{image.Path}}' "$f")
            done
            head -z -n 20 '{{image.Path}}.links' | while IFS= read -r -d '' f; do
                cmp <(readlink "$f") <('{{Inspect.Program}}' readlink '{{image.Path}}' "$f")
            done
            """;
        Tool.Shell(script);
    }

    [Fact]
    public void Stat_shows_xattrs_and_ls_follows_links()
    {
        using TestImage image = Prepared.ForKernel("ext4");
        using (var mount = new LoopMount(image.Path))
        {
            File.WriteAllText(mount.Combine("marked"), "text");
            Directory.CreateDirectory(mount.Combine("real/inner"));
            File.WriteAllText(mount.Combine("real/inner/leaf"), "");
            Tool.Check("setfattr", "-n", "user.colour", "-v", "blue", mount.Combine("marked"));
            Tool.Check("ln", "-s", "/real/./inner/../inner", mount.Combine("link"));
            Tool.Check("ln", "-s", "loop", mount.Combine("loop"));
            mount.Unmount();
        }
        JsonElement stat = Inspect.Json("stat", image.Path, "/marked");
        JsonElement xattr = Assert.Single(stat.GetProperty("xattrs").EnumerateArray());
        Assert.Equal("user.colour", xattr.GetProperty("name").GetString());
        Assert.Equal("blue", Encoding.UTF8.GetString(xattr.GetProperty("value").GetBytesFromBase64()));
        Assert.Equal("symlink", Inspect.Json("stat", image.Path, "link").GetProperty("type").GetString());
        Assert.EndsWith(" leaf\n", Inspect.Check("ls", image.Path, "link"), StringComparison.Ordinal);
        Assert.EndsWith(" leaf\n", Inspect.Check("ls", image.Path, "real/../link/"), StringComparison.Ordinal);
        Failed(Inspect.Run("ls", image.Path, "loop"), "symbolic links");
        Failed(Inspect.Run("ls", image.Path, "marked/below"), "Not a directory");
        Failed(Inspect.Run("cat", image.Path, "real"), "Is a directory");
        Failed(Inspect.Run("cat", image.Path, "absent"), "No such file");
    }

    private static void Failed(ToolResult result, string words)
    {
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(words, result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static bool IsName(string path) => path != "/" && path != TreeSnapshot.FileSystem;

    private static byte[] BytesOf(JsonElement entry, string property) =>
        entry.TryGetProperty(property + "Base64", out JsonElement exact)
            ? exact.GetBytesFromBase64()
            : Encoding.UTF8.GetBytes(entry.GetProperty(property).GetString()!);

    private static void CompareAttributes(NodeRecord expected, JsonElement actual)
    {
        int mode = Convert.ToInt32(expected["mode"], 8);
        Assert.Equal(Convert.ToString(mode & 0xFFF, 8).PadLeft(4, '0'), actual.GetProperty("mode").GetString());
        Assert.Equal(expected["inode"], actual.GetProperty("inode").ToString());
        Assert.Equal(expected["links"], actual.GetProperty("links").ToString());
        Assert.Equal(expected["user"], actual.GetProperty("uid").ToString());
        Assert.Equal(expected["group"], actual.GetProperty("gid").ToString());
        Assert.Equal(expected["size"], actual.GetProperty("size").ToString());
        Assert.Equal(expected["blocks"], actual.GetProperty("sectors").ToString());
        if (expected.Fields.TryGetValue("target", out string? target))
        {
            Assert.Equal(target, ByteText.Escape(BytesOf(actual, "target")));
        }
        if (mode >> 12 is 2 or 6)
        {
            string device = string.Create(CultureInfo.InvariantCulture,
                $"{actual.GetProperty("major")}:{actual.GetProperty("minor")}");
            Assert.Equal(expected["device"], device);
        }
    }
}
