using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>A volume spread over several images, by the command: split, mounted and written, joined, and judged by kernel
/// ext4 and e2fsck.</summary>
public class StripeTests
{
    [Fact]
    public void A_set_is_written_and_joined_into_what_the_kernel_reads()
    {
        Assert.SkipUnless(Host.IsRoot, "mounting needs root");
        using var image = new TestImage("-t ext4", 96L << 20);
        string set = image.Directory.CreateSubdirectory("set");
        string point = image.Directory.CreateSubdirectory("point");
        string[] members = [Path.Combine(set, "a"), Path.Combine(set, "b"), Path.Combine(set, "c")];
        Assert.Equal(new ToolResult(0, "", ""), Command.Run(["stripe", "split", image.Path, .. members, "--width", "32K"]));
        try
        {
            string figures = image.Directory.Combine("figures");
            ToolResult mounted = Command.Run(["--stripe", "32K", "--metrics", figures, "-o", "rw", .. members, point]);
            Assert.True(mounted.ExitCode == 0, mounted.ToString());
            Tool.Shell($"cp -a /etc {point}/etc; head -c 9000000 /dev/urandom > {point}/big; "
                + $"for i in $(seq 500); do echo $i > {point}/$i; done; rm {point}/1*; sha256sum {point}/big > {point}/sum");
            Assert.Equal(new ToolResult(0, "", ""), Command.Run("umount", point));
            Assert.True(File.Exists(figures));
        }
        finally
        {
            if (MountTable.Find(point) is not null)
            {
                Tool.Run("umount", "--lazy", point);
            }
        }
        string joined = image.Directory.Combine("joined");
        ToolResult done = Command.Run(["stripe", "join", joined, .. members, "--width", "32K"]);
        Assert.True(done.ExitCode == 0, done.ToString());
        E2fsck.AssertClean(joined);
        using var kernel = new LoopMount(joined, "ro");
        Tool.Shell($"diff -r --no-dereference /etc {kernel.Combine("etc")}; "
            + $"test \"$(sha256sum < {kernel.Combine("big")} | cut -c1-64)\" = \"$(cut -c1-64 {kernel.Combine("sum")})\"; "
            + $"test $(ls {kernel.MountPoint} | grep -c '^[0-9]') = 389");
    }

    [Fact]
    public void A_split_and_joined_image_is_the_same_again()
    {
        using var image = new TestImage("-t ext4 -b 1024", (20L << 20) + 1024);
        string[] members = [image.Directory.Combine("a"), image.Directory.Combine("b")];
        string joined = image.Directory.Combine("joined");
        Assert.Equal(0, Command.Run(["stripe", "split", image.Path, .. members]).ExitCode);
        Assert.Equal(0, Command.Run(["stripe", "join", joined, .. members]).ExitCode);
        Tool.Check("cmp", image.Path, joined);
        Assert.Contains("exists", Command.Run(["stripe", "join", joined, .. members]).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_set_is_refused_by_name()
    {
        using var image = new TestImage("-t ext4", 64L << 20);
        string a = image.Directory.Combine("a");
        string b = image.Directory.Combine("b");
        string c = image.Directory.Combine("c");
        string point = image.Directory.CreateSubdirectory("point");
        Assert.Equal(0, Command.Run("stripe", "split", image.Path, a, b, c).ExitCode);
        Refused($"{a}: begins with the superblock", "--stripe", "64K", b, a, c, point);
        Refused("a member is missing", "--stripe", "64K", a, b, point);
        Refused("no such file", "--stripe", "64K", a, b, image.Directory.Combine("d"), point);
        Refused("two or more members", "--stripe", "64K", a, point);
        Refused("power of two", "--stripe", "5000", a, b, c, point);
        Tool.Check("truncate", "-s", "-4096", c);
        Refused($"{c}: too short", "--stripe", "64K", a, b, c, point);
    }

    private static void Refused(string sentence, params string[] arguments)
    {
        ToolResult result = Command.Run(arguments);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(sentence, result.Errors, StringComparison.Ordinal);
    }
}
