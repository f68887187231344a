using System.Text.RegularExpressions;
using Xunit;

namespace Fuse4fs.Tidy.Tests;

/// <summary>Dependencies point down: docs/architecture.md, "Layers".</summary>
public sealed partial class DependencyTests
{
    /// <summary>What each project of src may reference.</summary>
    private static readonly Dictionary<string, string[]> s_projects = new()
    {
        ["Fuse4fs.Linux"] = [],
        ["Fuse4fs.Fuse"] = ["Fuse4fs.Linux"],
        ["Fuse4fs.Ext4"] = ["Fuse4fs.Linux"],
        ["Fuse4fs.Server"] = ["Fuse4fs.Linux", "Fuse4fs.Fuse", "Fuse4fs.Ext4"],
        ["Fuse4fs"] = ["Fuse4fs.Linux", "Fuse4fs.Fuse", "Fuse4fs.Ext4", "Fuse4fs.Server"],
    };

    /// <summary>The engine's folders from the bottom up. An inode object holds its map's cache and a map is always that
    /// of an inode: these two know each other.</summary>
    private static readonly string[][] s_engineLevels =
    [
        ["Format"], ["Storage"], ["Journaling"], ["Allocation"], ["Mapping", "Inodes"], ["Xattrs"], ["Directories"],
        ["Files"], ["Delegation"], ["Quota"], ["FastCommits"],
    ];

    [Fact]
    public void Projects_reference_downwards_only()
    {
        foreach (string project in SourceTree.Projects.Where(path => path.Contains("/src/", StringComparison.Ordinal)))
        {
            string name = Path.GetFileNameWithoutExtension(project);
            Assert.True(s_projects.TryGetValue(name, out string[]? allowed), $"{name} is not in the list of layers");
            foreach (Match reference in ProjectReference().Matches(File.ReadAllText(project)))
            {
                Assert.Contains(reference.Groups[1].Value, allowed);
            }
        }
    }

    /// <summary>A mistake that server and twin share would be found by nobody: neither knows the other's numbers.</summary>
    [Fact]
    public void The_kernel_twin_and_its_tests_know_nothing_of_the_server()
    {
        foreach (string project in SourceTree.Projects.Where(path => path.Contains("KernelTwin", StringComparison.Ordinal)))
        {
            Assert.All(ProjectReference().Matches(File.ReadAllText(project)), reference =>
                Assert.Equal("Fuse4fs.KernelTwin", reference.Groups[1].Value));
        }
    }

    [Fact]
    public void Engine_folders_use_those_below_them_only()
    {
        var complaints = new List<string>();
        for (int level = 0; level < s_engineLevels.Length; level++)
        {
            foreach (string folder in s_engineLevels[level])
            {
                string[] forbidden = [.. s_engineLevels[(level + 1)..].SelectMany(names => names)];
                foreach (SourceFile file in SourceTree.Below($"src/Fuse4fs.Ext4/{folder}"))
                {
                    complaints.AddRange(forbidden.Where(other => Uses(file, $"Fuse4fs.Ext4.{other}"))
                        .Select(other => $"{file.Path} uses {other}"));
                }
            }
        }
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    [Fact]
    public void Every_engine_folder_has_its_level()
    {
        string engine = Path.Combine(SourceTree.Root, "src/Fuse4fs.Ext4");
        IEnumerable<string> folders = Directory.GetDirectories(engine).Select(path => Path.GetFileName(path)!)
            .Where(name => name is not "bin" and not "obj");
        Assert.Empty(folders.Except(s_engineLevels.SelectMany(names => names)));
    }

    [Fact]
    public void Only_the_command_knows_options_and_log_sinks()
    {
        Assert.Empty(SourceTree.Below("src").Where(file => !file.Path.StartsWith("src/Fuse4fs/", StringComparison.Ordinal))
            .Where(file => Uses(file, "System.CommandLine") || file.Text.Contains("Console.Write", StringComparison.Ordinal))
            .Select(file => file.Path));
    }

    private static bool Uses(SourceFile file, string name) =>
        file.Lines.Any(line => line.StartsWith($"using {name};", StringComparison.Ordinal)
            || line.StartsWith($"using static {name}.", StringComparison.Ordinal));

    [GeneratedRegex(@"ProjectReference Include=""[^""]*/([^/""]+)\.csproj""")]
    private static partial Regex ProjectReference();
}
