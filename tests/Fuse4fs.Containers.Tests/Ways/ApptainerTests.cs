using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>As Apptainer starts a driver for an overlay image: inside a user namespace, in the foreground, the image as an
/// open descriptor, options that may be empty. It waits until the mount appears in the table while the process
/// lives, and after unmounting until the process has ended.</summary>
public sealed class ApptainerTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("fakeroot", 0)]
    [InlineData("fakeroot,offset=1048576,rw", 1048576)]
    [InlineData("offset=1048576,ro", 1048576)]
    public void An_overlay_image_is_served_until_it_is_unmounted(string options, long offset)
    {
        Assert.SkipUnless(Host.NoFuse is null, Host.NoFuse ?? "");
        Assert.SkipUnless(Tool.Run("unshare", "-Urm", "true").ExitCode == 0, "user namespaces are not permitted");
        using var directory = new TemporaryDirectory();
        using var contents = new TemporaryDirectory();
        Directory.CreateDirectory(contents.Combine("upper"));
        Directory.CreateDirectory(contents.Combine("work"));
        File.WriteAllText(contents.Combine("upper/file"), "contents\n");
        string image = directory.Combine("overlay.img");
        // ext3, sparse, as "apptainer overlay create --sparse" makes it; perhaps inside a bigger file.
        TestImage.CreateSparse(image, (64 << 20) + offset);
        Tool.Check("mke2fs", "-q", "-F", "-t", "ext3", "-E", $"offset={offset}", "-d", contents.Path, image, "64M");
        string place = directory.CreateSubdirectory("mnt");
        bool writes = !options.EndsWith("ro", StringComparison.Ordinal);
        ToolResult result = Tool.Run("unshare", "-Urm", "bash", "-euo", "pipefail", "-c", $"""
            exec 3<'{image}'
            {(writes ? $"exec 3<>'{image}'" : "")}
            '{Command.Path}' -f -o '{options}' /proc/self/fd/3 '{place}' >'{directory.Path}/out' 2>'{directory.Path}/err' &
            server=$!
            exec 3<&-
            until grep -q ' {place} ' /proc/self/mountinfo; do kill -0 $server; sleep 0.025; done
            cat '{place}/upper/file'
            {(writes ? $"mkdir '{place}/upper/made'; head -c 5000000 /dev/zero > '{place}/upper/zeros'" : "")}
            umount '{place}'
            wait $server
            echo ended
            """);
        string said = File.ReadAllText(directory.Combine("err"));
        Assert.True(result.ExitCode == 0, result + said);
        Assert.Equal("contents\nended\n", result.Output);
        // Ended means: written, clean, let go.
        Tool.Shell($"dd if='{image}' of='{directory.Path}/alone' bs=1M skip={offset >> 20} conv=sparse status=none");
        E2fsck.AssertClean(directory.Combine("alone"));
        Assert.Equal(writes, Tool.Run("debugfs", "-R", "stat /upper/made", directory.Combine("alone")).Output
            .Contains("Type: directory", StringComparison.Ordinal));
    }

    [Fact]
    public void A_refusal_ends_the_process_with_one_line()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.Combine("image"), "not an image");
        ToolResult result = Command.RunScript(
            $"""exec 3<'{directory.Combine("image")}'; "$FUSE4FS" -f -o ro /proc/self/fd/3 '{directory.CreateSubdirectory("mnt")}'""");
        Assert.Equal(32, result.ExitCode);
        Assert.Single(result.Errors.Split('\n'), static line => line.StartsWith("fuse4fs: ", StringComparison.Ordinal));
    }
}
