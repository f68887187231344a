using System.Text.RegularExpressions;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Control;

/// <summary>The file of figures: well-formed, whole at every moment, true at the end.</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public void The_file_counts_what_was_done_and_is_whole_whenever_it_is_read()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string path = image.Directory.Combine("figures.prom");
        using var mount = new ServedMount(image.Path, $"rw,metrics={path},metrics_interval=1");
        AssertWhole(File.ReadAllText(path));
        for (int i = 0; i < 25; i++)
        {
            Directory.CreateDirectory(mount.Combine($"d{i}"));
        }
        Assert.True(SpinWait.SpinUntil(() =>
        {
            string text = File.ReadAllText(path);
            AssertWhole(text);
            return text.Contains("kind=\"MKDIR\"} 25\n", StringComparison.Ordinal);
        }, TimeSpan.FromSeconds(60)));
        Directory.CreateDirectory(mount.Combine("last"));
        mount.Unmount();
        string last = File.ReadAllText(path);
        AssertWhole(last);
        string label = $"mount=\"{mount.MountPoint}\"";
        Assert.Contains($"fuse4fs_requests_total{{{label},kind=\"MKDIR\"}} 26\n", last, StringComparison.Ordinal);
        Assert.Contains($"{{{label},kind=\"MKDIR\",le=\"+Inf\"}} 26\n", last, StringComparison.Ordinal);
        Assert.Contains($"fuse4fs_volume_bytes{{{label}}} ", last, StringComparison.Ordinal);
        Assert.False(File.Exists(path + ".new"));
        image.AssertClean();
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_told_once_and_disturbs_nothing()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string log = image.Directory.Combine("log");
        string mountPoint = image.Directory.CreateSubdirectory("mnt");
        ToolResult result = Command.RunScript($"""
            "$FUSE4FS" --metrics /proc/nowhere/figures -o rw,metrics_interval=1 --log-file '{log}' '{image.Path}' '{mountPoint}'
            echo kept > '{mountPoint}/file'
            sleep 3
            "$FUSE4FS" umount '{mountPoint}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Single(File.ReadAllLines(log), static line => line.Contains("metrics cannot be written", StringComparison.Ordinal));
        image.AssertClean();
    }

    /// <summary>The server would wait for itself. Also by another name, and where only the image has the directory.</summary>
    [Theory]
    [InlineData("mnt/figures")]
    [InlineData("mnt/only/in/the/image/figures")]
    [InlineData("link/figures")]
    public void A_file_inside_the_mount_is_refused(string place)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string mountPoint = image.Directory.CreateSubdirectory("mnt");
        File.CreateSymbolicLink(image.Directory.Combine("link"), mountPoint);
        string path = image.Directory.Combine(place);
        foreach (string option in (string[])["metrics", "lockfile"])
        {
            ToolResult result = Command.Run("-o", $"rw,{option}={path}", image.Path, mountPoint);
            Assert.Equal(32, result.ExitCode);
            Assert.Contains("inside the mount", result.Errors, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFileSystemEntries(mountPoint));
        image.AssertClean();
    }

    /// <summary>Where others may write, a name that is known beforehand can be theirs.</summary>
    [Fact]
    public void A_link_in_the_place_of_the_new_file_is_not_followed()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string path = image.Directory.Combine("figures.prom");
        string victim = image.Directory.Combine("victim");
        File.WriteAllText(victim, "untouched");
        File.CreateSymbolicLink(path + ".new", victim);
        using (var mount = new ServedMount(image.Path, $"rw,metrics={path}"))
        {
            AssertWhole(File.ReadAllText(path));
        }
        Assert.Equal("untouched", File.ReadAllText(victim));
    }

    /// <summary>Every line is a comment or a figure, and the last one ends; every name is declared once, before its figures.
    /// </summary>
    private static void AssertWhole(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var declared = new HashSet<string>(StringComparer.Ordinal);
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Assert.True(declared.Add(line.Split(' ')[2]), line);
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                Match figure = Figure().Match(line);
                Assert.True(figure.Success && declared.Contains(figure.Groups[1].Value), line);
            }
        }
        Assert.Contains("fuse4fs_written_bytes_total", declared);
    }

    [GeneratedRegex("""^([a-z][a-z0-9_]*)\{mount="[^"]*"(?:,[a-z]+="[^"]*")*\} -?[0-9][0-9.eE+-]*$""")]
    private static partial Regex Figure();
}
