using System.Globalization;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Model;

/// <summary>A volume without one free block, the kernel's own reserve included, with a file of more than a thousand
/// pieces in full leaves: whatever takes blocks away must work.</summary>
public sealed class ZeroFreeTests
{
    private const int Block = 1024;

    public static TheoryData<string> Removals =>
    [
        "truncate -s 300k big",
        "truncate -s 0 big",
        "rm big",
        $"fallocate -p -o {200 * Block} -l {50 * Block} big",
        $"fallocate -p -o {84 * Block} -l {Block} big",
        "rm small-2; rmdir empty",
        ": > big",
        "mv big small-4",
    ];

    [Theory]
    [MemberData(nameof(Removals))]
    public void Taking_blocks_away_needs_none(string removal)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using var image = new TestImage($"-t ext4 -b {Block} -m 0 -N 2000 -J size=1 -O ^metadata_csum", 8L << 20);
        FillToTheLast(image);
        using TestImage kernels = image.Copy();
        string expected;
        using (var mount = new LoopMount(kernels.Path))
        {
            expected = Outcome(mount.MountPoint, removal);
            mount.Unmount();
        }
        Assert.StartsWith("0 ", expected, StringComparison.Ordinal);
        using (var mount = new FuseMount(image.Path, "rw"))
        {
            Assert.Equal(expected, Outcome(mount.MountPoint, removal));
            mount.Unmount();
        }
        Assert.Equal(FreeBlocks(kernels), FreeBlocks(image));
        image.AssertClean();
    }

    /// <summary>Free space in single blocks, then one file that takes all of it.</summary>
    private static void FillToTheLast(TestImage image)
    {
        using var mount = new LoopMount(image.Path);
        string device = Tool.Check("findmnt", "-n", "-o", "SOURCE", mount.MountPoint).Trim();
        string reserve = $"/sys/fs/ext4/{Path.GetFileName(device)}/reserved_clusters";
        Assert.SkipUnless(TryWrite(reserve, "0"), $"{reserve} cannot be written");
        byte[] data = new byte[Block];
        Directory.CreateDirectory(mount.Combine("empty"));
        for (int i = 0; i < 1500; i++)
        {
            File.WriteAllBytes(mount.Combine($"small-{i}"), data);
        }
        // What is left in one piece.
        Tool.Run("dd", "if=/dev/zero", $"of={mount.Combine("rest")}", "bs=1k", "conv=fsync");
        Tool.Check("sync", mount.MountPoint);
        for (int i = 1; i < 1500; i += 2)
        {
            File.Delete(mount.Combine($"small-{i}"));
        }
        Tool.Check("sync", mount.MountPoint);
        Tool.Run("dd", "if=/dev/zero", $"of={mount.Combine("big")}", "bs=1k", "conv=fsync");
        Tool.Run("dd", "if=/dev/zero", $"of={mount.Combine("crumbs")}", "bs=1k", "conv=fsync");
        mount.Unmount();
        Assert.Equal(0, FreeBlocks(image));
    }

    private static bool TryWrite(string file, string text)
    {
        try
        {
            File.WriteAllText(file, text);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Outcome(string root, string removal)
    {
        ToolResult result = Tool.Run("bash", "-c", $"cd '{root}' && {{ {removal}; }}");
        string left = Tool.Run("bash", "-c", $"cd '{root}'; stat -c '%n %s %b' big small-2 small-4 2>&1").Output;
        return $"{result.ExitCode} {result.Errors}\n{left}".Replace(root, "", StringComparison.Ordinal);
    }

    private static long FreeBlocks(TestImage image) => long.Parse(
        Tool.Check("dumpe2fs", "-h", image.Path).Split("Free blocks:")[1].Trim().Split('\n')[0],
        CultureInfo.InvariantCulture);
}
