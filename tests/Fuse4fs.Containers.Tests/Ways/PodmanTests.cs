using Fuse4fs.Containers.Tests.Trees;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>Rootless podman: an ordinary user's containers, with crun, without a network and without control groups.</summary>
public sealed class PodmanTests(DebianTree tree)
{
    private const string Podman = "podman --root $HOME/storage --storage-driver overlay --cgroup-manager cgroupfs "
        + "--events-backend none --runtime crun";

    private const string Run = Podman + " run --rm --network none --cgroups disabled";

    [Fact]
    public void Containers_mount_images_and_use_mounts_made_outside()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, "switching to an ordinary user needs root");
        foreach (string program in (string[])["podman", "crun", "newuidmap"])
        {
            Assert.SkipUnless(Host.Without(program) is null, $"{program} is not installed");
        }
        Assert.SkipUnless(tree.Missing is null, tree.Missing ?? "");
        using var image = new TestImage("-t ext4");
        using TestImage other = image.Copy();
        string home = image.Directory.CreateSubdirectory("home");
        string outside = image.Directory.CreateSubdirectory("outside");
        string program4 = UnprivilegedCommand.CopyTo(image.Directory);
        Tool.Shell($"""
            mkdir -m 700 '{home}/run' && ln '{tree.Archive}' '{home}/tree.tar' 2>/dev/null || cp '{tree.Archive}' '{home}/tree.tar'
            chown -R 65534:65534 '{home}' '{outside}' '{image.Path}' '{other.Path}'
            chmod 755 '{image.Directory.Path}' '{other.Directory.Path}'
            """);
        using var opened = new OpenedFuseDevice();
        string script = image.Directory.Combine("script");
        File.WriteAllText(script, $"""
            set -euo pipefail
            cd /
            export HOME='{home}' XDG_RUNTIME_DIR='{home}/run' DOTNET_ROOT='{UnprivilegedCommand.Runtime}'
            trap '{Podman} system migrate >/dev/null 2>&1' EXIT
            {Podman} import -q '{home}/tree.tar' base >/dev/null
            # Mounted inside: /dev/fuse, and the right to mount in the container's own user namespace.
            {Run} --device /dev/fuse --cap-add SYS_ADMIN -e DOTNET_ROOT \
                -v '{UnprivilegedCommand.Runtime}:{UnprivilegedCommand.Runtime}:ro' \
                -v '{image.Directory.Path}/bin:/opt/fuse4fs:ro' -v '{image.Path}:/image' base sh -euc '
                /opt/fuse4fs/fuse4fs -o squash_to_root /image /mnt
                stat -c %u:%g /mnt
                cp -r /etc /mnt/
                diff -r --no-dereference /etc /mnt/etc
                echo inside
                /opt/fuse4fs/fuse4fs umount /mnt'
            # Mounted outside, by the same user in podman''s user namespace; the container sees a volume.
            {Podman} unshare sh -euc '
                "$0" -o squash_to_root "$1" "$2"
                {Run} -v "$2:/volume" base sh -euc "stat -c %u:%g /volume; cp -r /etc /volume/; echo outside"
                ls "$2"
                "$0" umount "$2"' '{program4}' '{other.Path}' '{outside}'
            """);
        ToolResult result = Tool.Run("unshare", "--mount", "--propagation", "slave", "bash", "-euo", "pipefail", "-c", $"""
            # Ids for the user, and control groups as crun knows them, in this mount namespace alone.
            touch '{home}/ids'; echo nobody:100000:65536 > '{home}/ids'
            for file in /etc/subuid /etc/subgid; do [ -e $file ] || touch $file; mount --bind '{home}/ids' $file; done
            if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
                umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup
            fi
            setpriv --reuid=65534 --regid=65534 --clear-groups bash '{script}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("0:0\ninside\n0:0\noutside\netc\nlost+found\n", result.Output);
        image.AssertClean();
        other.AssertClean();
    }
}
