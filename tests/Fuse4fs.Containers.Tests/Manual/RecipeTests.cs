using System.Text.RegularExpressions;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Manual;

/// <summary>The recipes of docs/containers.md, run as they stand there.</summary>
public sealed partial class RecipeTests
{
    private static readonly string[] s_recipes = [.. Fence()
        .Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs/containers.md")))
        .Select(static match => match.Groups[1].Value)];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, s_recipes.Length)];

    [Fact]
    public void There_are_recipes() => Assert.True(s_recipes.Length >= 8, "no recipes were found");

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_recipe_works(int number)
    {
        string recipe = s_recipes[number];
        Assert.SkipUnless(Host.NoRootFuse is null, "switching to an ordinary user needs root");
        foreach (Match need in Need().Matches(recipe))
        {
            Assert.SkipUnless(Host.Without(need.Groups[1].Value) is null, $"{need.Groups[1].Value} is not installed");
        }
        using var image = new TestImage("-t ext4");
        using var opened = new OpenedFuseDevice();
        string program = UnprivilegedCommand.CopyTo(image.Directory);
        bool asRoot = recipe.Contains("# as root", StringComparison.Ordinal);
        string owner = asRoot ? "0:0" : "65534:65534";
        Tool.Shell($"""
            cd '{image.Directory.Path}'
            mv image image.ext4; mkdir mnt
            chown {owner} . image.ext4 mnt; chmod 755 .
            """);
        File.WriteAllText(image.Directory.Combine("recipe"), recipe);
        string[] user = asRoot ? [] : ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        ToolResult result = Tool.Run("env", ["--chdir=" + image.Directory.Path, "HOME=/", "DOTNET_ROOT=" + UnprivilegedCommand.Runtime,
            $"PATH={Path.GetDirectoryName(program)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", .. user, "sh", "-eu", "recipe"]);
        Assert.True(result.ExitCode == 0, recipe + result);
        // The server of a mount that somebody else unmounted may still be writing.
        Tool.Check("flock", "-w", "60", image.Directory.Combine("image.ext4"), "true");
        E2fsck.AssertClean(image.Directory.Combine("image.ext4"));
    }

    [GeneratedRegex("(?ms)^```sh\n(.*?)^```")]
    private static partial Regex Fence();

    [GeneratedRegex(@"(?m)^# needs: (\S+)")]
    private static partial Regex Need();
}
