using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>In a sandbox that an ordinary user makes for himself with bubblewrap: no helper, no right outside.</summary>
public sealed class BubblewrapTests
{
    [Fact]
    public void An_image_is_mounted_and_written_inside_a_sandbox()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, "switching to an ordinary user needs root");
        Assert.SkipUnless(Host.Without("bwrap") is null, "bubblewrap is not installed");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        string program = UnprivilegedCommand.CopyTo(image.Directory);
        Tool.Shell($"chown 65534:65534 '{image.Path}' '{place}' && chmod 755 '{image.Directory.Path}'");
        using var opened = new OpenedFuseDevice();
        ToolResult result = Tool.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/",
            "bwrap", "--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "CAP_SYS_ADMIN", "--unshare-pid",
            "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "bash", "-euo", "pipefail", "-c", $"""
            cd /
            '{program}' '{image.Path}' '{place}'
            stat -c %u:%g '{place}'
            echo written > '{place}/file'
            cat '{place}/file'
            '{program}' umount '{place}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("0:0\nwritten\n", result.Output);
        image.AssertClean();
    }
}
