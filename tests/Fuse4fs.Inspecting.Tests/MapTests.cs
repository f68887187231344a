using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Inspecting.Tests;

/// <summary>fuse4fs map against FIEMAP on the kernel's mount.</summary>
public sealed partial class MapTests
{
    [Theory]
    [InlineData("ext4")]
    [InlineData("ext3+1k")]
    [InlineData("bigalloc")]
    public void Shows_the_runs_that_the_kernel_shows(string recipe)
    {
        using TestImage image = Prepared.ForKernel(recipe);
        using var mount = new LoopMount(image.Path, "ro,noload");
        string[] which = ["-type", "f", "-size", "+0", "-size", "-1048576k", "-printf", "%P\\0"];
        string[] files = Tool.Check("find", [mount.MountPoint, .. which])
            .Split('\0', StringSplitOptions.RemoveEmptyEntries);
        int compared = 0;
        foreach (string file in files.Where(name => name.All(char.IsAscii)).Take(60))
        {
            ToolResult result = Tool.Run("filefrag", "-v", "-b1", mount.Combine(file));
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal(KernelRuns(result.Output), OurRuns(image.Path, file));
            compared++;
        }
        Assert.True(compared > 5, $"only {compared} files to compare");
    }

    [Fact]
    public void Shows_holes_and_data_inside_the_inode()
    {
        using TestImage image = Prepared.ForKernel("inline-data");
        using (var mount = new LoopMount(image.Path))
        {
            File.WriteAllText(mount.Combine("small"), "inside");
            Tool.Shell($"truncate -s 1M '{mount.Combine("hollow")}'");
            mount.Unmount();
        }
        JsonElement inline = Assert.Single(Inspect.JsonLines("map", image.Path, "small"));
        Assert.Equal("inline", inline.GetProperty("kind").GetString());
        Assert.Equal(6, inline.GetProperty("length").GetInt64());
        JsonElement hole = Assert.Single(Inspect.JsonLines("map", image.Path, "hollow"));
        Assert.Equal("hole", hole.GetProperty("kind").GetString());
        Assert.Equal(1 << 20, hole.GetProperty("length").GetInt64());
    }

    /// <summary>Runs as "offset address length unwritten", neighbours joined: FIEMAP cuts where the tree
    /// does.</summary>
    private static List<string> KernelRuns(string listing)
    {
        var runs = new List<(long Offset, long Address, long Length, bool Unwritten)>();
        foreach (Match line in ExtentLine().Matches(listing))
        {
            long Number(int group) => long.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);
            bool isUnwritten = line.Groups[4].Value.Contains("unwritten", StringComparison.Ordinal);
            runs.Add((Number(1), Number(2), Number(3), isUnwritten));
        }
        return Join(runs);
    }

    private static List<string> OurRuns(string image, string file)
    {
        var runs = new List<(long Offset, long Address, long Length, bool Unwritten)>();
        foreach (JsonElement run in Inspect.JsonLines("map", image, file))
        {
            if (run.TryGetProperty("address", out JsonElement address))
            {
                long offset = run.GetProperty("offset").GetInt64();
                runs.Add((offset, address.GetInt64(), run.GetProperty("length").GetInt64(),
                    run.GetProperty("kind").GetString() == "unwritten"));
            }
        }
        return Join(runs);
    }

    private static List<string> Join(List<(long Offset, long Address, long Length, bool Unwritten)> runs)
    {
        var joined = new List<(long Offset, long Address, long Length, bool Unwritten)>();
        foreach (var run in runs)
        {
            if (joined.Count > 0 && joined[^1] is var last && last.Offset + last.Length == run.Offset
                && last.Address + last.Length == run.Address && last.Unwritten == run.Unwritten)
            {
                joined[^1] = last with { Length = last.Length + run.Length };
            }
            else
            {
                joined.Add(run);
            }
        }
        return [.. joined.Select(run => run.ToString())];
    }

    /// <summary>"0: 0.. 4095: 8192.. 12287: 4096: flags" with blanks everywhere.</summary>
    [GeneratedRegex(@"^\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+):(.*)$", RegexOptions.Multiline)]
    private static partial Regex ExtentLine();
}
