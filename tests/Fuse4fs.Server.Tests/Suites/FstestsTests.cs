using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;

namespace Fuse4fs.Server.Tests.Suites;

/// <summary>The fast ones of fstests' generic tests, by scripts/fstests, where the suite is installed.</summary>
public class FstestsTests
{
    private const int FewestTests = 60;

    /// <summary>Where its own installation puts it.</summary>
    private const string InstalledPlace = "/var/lib/xfstests";

    [Fact]
    public void Fast_generic_tests_pass()
    {
        string suite = Environment.GetEnvironmentVariable("FSTESTS_DIR") ?? InstalledPlace;
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(File.Exists(Path.Combine(suite, "ltp/fsstress")),
            $"fstests is not installed: no ltp/fsstress in {suite} (FSTESTS_DIR names another place)");
        string root = RecipeBook.RepositoryRoot;
        string name = $"fast-{Environment.ProcessId}";
        string results = Path.Combine(root, "artifacts", "fstests", name, "results.tsv");
        ToolResult run = Tool.Run("env", $"FSTESTS_DIR={suite}", $"FUSE4FS={Command.Path}",
            Path.Combine(root, "scripts", "fstests"), "--name", name, "--list", "fast");
        try
        {
            string[][] lines = [.. File.ReadLines(results).Select(line => line.Split('\t'))];
            Assert.True(!lines.Any(line => line[1] == "fail"), run.Output);
            Assert.True(lines.Count(line => line[1] == "pass") >= FewestTests, run.Output);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(results)!, recursive: true);
        }
    }
}
