using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Trees;

/// <summary>Our mount as the writable layer of an overlay, through a whole package installation.</summary>
public sealed class OverlayTests(DebianTree tree)
{
    [Theory]
    [InlineData("overlay", "ext4")]
    [InlineData("fuse-overlayfs", "ext3")]
    public void Packages_are_installed_into_an_overlay_on_an_image(string kind, string type)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(kind == "overlay" || Host.Without(kind) is null, $"{kind} is not installed");
        Assert.SkipUnless(tree.Missing is null, tree.Missing ?? "");
        using var image = new TestImage("-t " + type, 512L << 20);
        string mounted = image.Directory.CreateSubdirectory("mnt");
        string merged = image.Directory.CreateSubdirectory("merged");
        string layers = $"lowerdir={tree.Root},upperdir={mounted}/upper,workdir={mounted}/work";
        string overlay = kind == "overlay"
            ? $"mount -t overlay -o {layers},userxattr overlay '{merged}'"
            : $"fuse-overlayfs -o {layers} '{merged}'";
        ToolResult result = Tool.Run("unshare", "--mount", "bash", "-euo", "pipefail", "-c", $$"""
            '{{Command.Path}}' '{{image.Path}}' '{{mounted}}'
            trap "umount -l '{{merged}}' 2>/dev/null; '{{Command.Path}}' umount '{{mounted}}'" EXIT
            mkdir '{{mounted}}/upper' '{{mounted}}/work'
            {{overlay}}
            cp /etc/resolv.conf '{{merged}}/etc/resolv.conf'
            mount -t proc proc '{{merged}}/proc'
            inside() { chroot '{{merged}}' env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
            inside apt-get install -y -qq --no-install-recommends python3-minimal less >'{{merged}}/tmp/log' 2>&1 \
                || { tail -n 3 '{{merged}}/tmp/log'; exit 1; }
            inside python3 -c 'print("installed")'
            inside dpkg --audit
            inside apt-get purge -y -qq less >/dev/null 2>&1
            inside sh -c '! command -v less'
            umount '{{merged}}/proc'
            umount '{{merged}}'
            '{{Command.Path}}' umount '{{mounted}}'
            trap - EXIT
            """);
        Assert.SkipWhen(result.Output.Contains("Unable to fetch", StringComparison.Ordinal)
            || result.Output.Contains("Could not resolve", StringComparison.Ordinal), "packages cannot be fetched here");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("installed\n", result.Output);
        image.AssertClean();
    }
}
