using System.Diagnostics;
using Fuse4fs.Containers.Tests.Service;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>-o idmap: container managers show a mount with other owners (mount_setattr), and the same bytes are on the
/// image as if those owners had been at work.</summary>
public sealed class IdMappedMountTests
{
    [Fact]
    public void An_id_mapped_copy_shows_and_stores_mapped_owners()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,allow_other,idmap");
        string copy = image.Directory.CreateSubdirectory("mapped");
        using Process sleeper = Process.Start("unshare", ["--user", "sleep", "600"]);
        try
        {
            string process = $"/proc/{sleeper.Id}";
            Assert.True(SpinWait.SpinUntil(() => Tool.Run("readlink", process + "/ns/user").Output
                != Tool.Run("readlink", "/proc/self/ns/user").Output, TimeSpan.FromSeconds(30)));
            File.WriteAllText(process + "/uid_map", "0 100000 1000");
            File.WriteAllText(process + "/gid_map", "0 200000 1000");
            Errno error = Native.MountIdMapped(mount.MountPoint, copy, process + "/ns/user");
            Assert.SkipWhen(error == Errno.Invalid && !mount.Status("protocol").Contains("AllowIdmap", StringComparison.Ordinal),
                "this kernel does not id-map FUSE mounts (Linux 6.12)");
            Assert.Equal(Errno.Ok, error);
            Tool.Shell($"""
                cd '{copy}'
                [ "$(stat -c %u:%g .)" = 100000:200000 ]
                setpriv --reuid=100000 --regid=200000 --clear-groups mkdir -m 1777 dir
                setpriv --reuid=100005 --regid=200006 --clear-groups sh -c 'echo made > dir/file; ln -s x dir/link; mkfifo dir/fifo'
                setpriv --reuid=100005 --regid=200006 --clear-groups chmod 600 dir/file
                ! setpriv --reuid=100007 --regid=200007 --clear-groups cat dir/file 2>/dev/null
                ! setpriv --reuid=100007 --regid=200007 --clear-groups rm -f dir/file 2>/dev/null
                ! setpriv --reuid=4000 --regid=4000 --clear-groups touch dir/strange 2>/dev/null
                chown 100008:200009 dir/fifo
                [ "$(stat -c %u:%g dir/file dir/link dir/fifo | tr '\n' ' ')" = '100005:200006 100005:200006 100008:200009 ' ]
                """);
            Assert.Equal("5:6\n5:6\n8:9\n", Tool.Check("stat", "-c", "%u:%g", mount.Combine("dir/file"),
                mount.Combine("dir/link"), mount.Combine("dir/fifo")));
            Tool.Check("umount", copy);
        }
        finally
        {
            Tool.Run("umount", copy);
            sleeper.Kill();
            sleeper.WaitForExit();
        }
        mount.Unmount();
        image.AssertClean();
    }
}
