using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Images as people make them, mounted by the plain command: writable without being asked to, and the kernel's
/// afterwards.</summary>
public sealed class PlainImageTests
{
    [Theory]
    [InlineData("-t ext2")]
    [InlineData("-t ext3")]
    [InlineData("-t ext4")]
    [InlineData("-t ext4 -O bigalloc")]
    [InlineData("-t ext4 -O quota,project")]
    public void What_mke2fs_makes_is_written(string options)
    {
        using var image = new TestImage(options, 128L << 20);
        WriteAndCheck(image);
    }

    /// <summary>A container's writable overlay: sparse, ext3, made from a tree with two directories.</summary>
    [Fact]
    public void A_sparse_overlay_of_ext3_is_written()
    {
        using var contents = new TemporaryDirectory();
        contents.CreateSubdirectory("upper");
        contents.CreateSubdirectory("work");
        using var image = new TestImage("-t ext3 -m 0", 512L << 20, contents.Path);
        WriteAndCheck(image);
    }

    private static void WriteAndCheck(TestImage image)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var directory = new TemporaryDirectory();
        string mountPoint = directory.CreateSubdirectory("mnt");
        Tool.Check(FuseMount.Command, image.Path, mountPoint);
        try
        {
            Tool.Shell($"cd '{mountPoint}' && mkdir -p upper/etc && seq 200000 > upper/etc/numbers "
                + "&& for i in $(seq 300); do echo $i > upper/file$i; done && rm upper/file1?? "
                + "&& truncate -s 1G sparse && echo end >> sparse && mv upper/file7 work 2>/dev/null || mv upper/file7 seven");
        }
        finally
        {
            Tool.Check(FuseMount.Command, "umount", mountPoint);
        }
        image.AssertClean();
        string[] read = ["stat /upper/file99", "stat /upper/etc/numbers", "stat /sparse"];
        Assert.All(read, request => Assert.Contains("Inode: ", Debugfs.Read(image.Path, request)));
        Assert.Contains("Size: 1073741828", Debugfs.Read(image.Path, "stat /sparse"));
    }
}
