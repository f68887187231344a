using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Trees;

/// <summary>The Debian package in a clean Debian: it installs, works as its manual says, and leaves nothing behind.
/// </summary>
public sealed class PackageTests(DebianTree tree)
{
    private static readonly string? s_package = Directory.Exists(Artifacts)
        ? Directory.EnumerateFiles(Artifacts, "fuse4fs_*.deb").FirstOrDefault()
        : null;

    private static string Artifacts => Path.Combine(Repository.Root, "artifacts");

    [Fact]
    public void It_installs_mounts_and_goes_without_a_trace()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(s_package is not null, "there is no package: scripts/package was not run");
        Assert.SkipUnless(tree.Missing is null, tree.Missing ?? "");
        using var image = new TestImage("-t ext4");
        using var directory = new TemporaryDirectory();
        string root = directory.CreateSubdirectory("root");
        ToolResult result = Tool.Run("unshare", "--mount", "bash", "-euo", "pipefail", "-c", $$"""
            mount -t tmpfs none '{{directory.CreateSubdirectory("layers")}}'
            mkdir '{{directory.Path}}/layers/upper' '{{directory.Path}}/layers/work'
            mount -t overlay -o lowerdir={{tree.Root}},upperdir={{directory.Path}}/layers/upper,workdir={{directory.Path}}/layers/work \
                overlay '{{root}}'
            mount -t proc proc '{{root}}/proc'
            mount -t tmpfs none '{{root}}/run'
            mount --bind /dev '{{root}}/dev'
            mkdir '{{root}}/srv/image'
            mount --bind '{{image.Directory.Path}}' '{{root}}/srv/image'
            cp '{{s_package}}' '{{root}}/tmp/package.deb'
            inside() { chroot '{{root}}' env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root "$@"; }
            inside find / -xdev -path /tmp -prune -o -path /var -prune -o -print | sort > '{{directory.Path}}/before'
            inside dpkg -i /tmp/package.deb >/dev/null
            inside dpkg --verify fuse4fs
            inside fuse4fs --version
            inside fuse4fs info /srv/image/image >/dev/null
            inside mount -t fuse.ext4 /srv/image/image /mnt
            inside cp -r /etc /mnt/
            inside umount /mnt
            inside flock -n /srv/image/image true
            inside fuse4fs -o ro /srv/image/image /mnt
            inside diff -r --no-dereference /etc /mnt/etc
            inside fuse4fs umount /mnt
            inside bash -c '. /usr/share/bash-completion/completions/fuse4fs; complete -p fuse4fs' >/dev/null
            inside test -s /usr/share/man/man1/fuse4fs.1.gz
            for type in ext2 ext3 ext4; do
                inside grep -q "ListenSequentialPacket=/run/filesystems/$type$" /lib/systemd/system/fuse4fs-$type.socket
                inside test -s /lib/systemd/system/fuse4fs-$type@.service
            done
            inside dpkg --purge fuse4fs >/dev/null
            inside find / -xdev -path /tmp -prune -o -path /var -prune -o -print | sort > '{{directory.Path}}/after'
            diff '{{directory.Path}}/before' '{{directory.Path}}/after'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        image.AssertClean();
    }
}
