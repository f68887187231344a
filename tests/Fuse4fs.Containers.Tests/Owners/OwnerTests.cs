using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Native;

namespace Fuse4fs.Containers.Tests.Owners;

/// <summary>uidmap=, gidmap=, squash_to_root and fakeroot: what is shown, what is stored (debugfs says), what is refused.
/// </summary>
public sealed class OwnerTests
{
    [Fact]
    public void Maps_show_and_store_owners_and_access_lists()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using (var plain = new ServedMount(image.Path, "rw,allow_other"))
        {
            Tool.Shell($"""
                cd {plain.MountPoint}
                echo a > mapped; chown 1000:1000 mapped; chmod 640 mapped; setfacl -m u:1005:r,g:1006:r mapped
                echo b > beyond; chown 5000:5000 beyond
                mkdir -m 777 open
                """);
            plain.Unmount();
        }
        using (var mount = new ServedMount(image.Path, "rw,allow_other,uidmap=0:0:1:1000:2000:10,gidmap=0:0:1:1000:3000:10"))
        {
            Assert.Equal("2000:3000\n", Shown(mount, "mapped"));
            Assert.Equal("65534:65534\n", Shown(mount, "beyond"));
            string list = Tool.Check("getfacl", "-n", "--absolute-names", mount.Combine("mapped"));
            Assert.Contains("user:2005:r--\n", list, StringComparison.Ordinal);
            Assert.Contains("group:3006:r--\n", list, StringComparison.Ordinal);
            Tool.Shell($"""
                cd {mount.MountPoint}
                setpriv --reuid=2001 --regid=3001 --clear-groups sh -c 'echo c > open/made; mkdir open/dir; ln -s x open/link'
                echo d > changed; chown 2003:3004 changed; setfacl -m u:2007:rw changed
                """);
            Assert.Equal("2001:3001\n2001:3001\n2001:3001\n", Shown(mount, "open/made", "open/dir", "open/link"));
            // Whom the image does not know can own nothing in it, as on the kernel's id-mapped mounts.
            Assert.Contains("Value too large", Tool.Run("chown", "4000", mount.Combine("changed")).Errors, StringComparison.Ordinal);
            ToolResult stranger = Tool.Run("setpriv", "--reuid=4000", "--regid=4000", "--clear-groups",
                "touch", mount.Combine("open/strange"));
            Assert.Contains("Value too large", stranger.Errors, StringComparison.Ordinal);
            // The kernel decides by what is shown.
            Assert.Equal("a\n", Tool.Check("setpriv", "--reuid=2005", "--regid=4000", "--clear-groups",
                "cat", mount.Combine("mapped")));
            Assert.NotEqual(0, Tool.Run("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
                "cat", mount.Combine("mapped")).ExitCode);
            mount.Unmount();
        }
        Assert.Equal("1001:1001", Stored(image.Path, "/open/made"));
        Assert.Equal("1001:1001", Stored(image.Path, "/open/link"));
        Assert.Equal("1003:1004", Stored(image.Path, "/changed"));
        image.AssertClean();
        using var again = new ServedMount(image.Path, "ro");
        Assert.Contains("user:1007:rw-\n", Tool.Check("getfacl", "-n", "--absolute-names", again.Combine("changed")),
            StringComparison.Ordinal);
    }

    /// <summary>What RENAME_WHITEOUT leaves behind is the caller's.</summary>
    [Fact]
    public void Whoever_the_image_does_not_know_leaves_no_whiteout()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        Debugfs.Write(image.Path, "mkdir /file");
        using (var mount = new ServedMount(image.Path, "rw,allow_other,uidmap=1000:2000:10,gidmap=1000:2000:10"))
        {
            HostPath from = new(mount.Combine("file")), to = new(mount.Combine("moved"));
            Assert.Equal(-(int)Errno.Overflow, Posix.Rename(from, to, RenameMode.Whiteout));
            Assert.Equal(0, Posix.Rename(from, to));
            mount.Unmount();
        }
        image.AssertClean();
    }

    [Fact]
    public void Squashed_owners_are_shown_as_root_and_stored_as_asked()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using (var mount = new ServedMount(image.Path, "rw,suid,dev,squash_to_root"))
        {
            Tool.Shell($"cd {mount.MountPoint}; echo a > file; chown 1000:1001 file; chmod 4755 file");
            Assert.Equal("0:0\n", Shown(mount, "file"));
            string[] words = mount.Entry.Options.Split(',');
            Assert.Contains("nosuid", words);
            Assert.Contains("nodev", words);
            mount.Unmount();
        }
        Assert.Equal("1000:1001", Stored(image.Path, "/file"));
        image.AssertClean();
    }

    /// <summary>Root of a user namespace sees what its namespace knows, and squash_to_root makes an image of somebody else's
    /// usable in it.</summary>
    [Fact]
    public void Root_of_a_user_namespace_sees_its_own_ids()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Tool.Run("unshare", "-Urm", "true").ExitCode == 0, "user namespaces are not permitted");
        using var image = new TestImage("-t ext4");
        using (var plain = new ServedMount(image.Path, "rw"))
        {
            Tool.Shell($"cd {plain.MountPoint}; mkdir mine others; chown 1000:1000 others; chmod 700 mine others");
            plain.Unmount();
        }
        string place = image.Directory.CreateSubdirectory("mnt");
        ToolResult result = Tool.Run("unshare", "-Urm", "bash", "-euo", "pipefail", "-c", $"""
            '{Command.Path}' '{image.Path}' '{place}'
            stat -c %u:%g '{place}/mine' '{place}/others'
            touch '{place}/others/x' 2>/dev/null || echo refused
            '{Command.Path}' umount '{place}'
            '{Command.Path}' -o squash_to_root '{image.Path}' '{place}'
            stat -c %u:%g '{place}/others'
            touch '{place}/others/x'
            '{Command.Path}' umount '{place}'
            '{Command.Path}' -o fakeroot,squash_to_root '{image.Path}' '{place}'
            chmod 0 '{place}/others'
            touch '{place}/others/y'
            # The kernel knows no such user in this namespace.
            chown 1234:1234 '{place}/others/y' 2>/dev/null || echo refused
            '{Command.Path}' umount '{place}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal("0:0\n65534:65534\nrefused\n0:0\nrefused\n", result.Output);
        image.AssertClean();
    }

    /// <summary>Root may, whom he lets in may what the image says: bits, and lists too.</summary>
    [Fact]
    public void With_others_let_in_fakeroot_is_for_root_alone()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,fakeroot,allow_other");
        const string other = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        Tool.Shell($"""
            cd '{mount.MountPoint}'
            mkdir -m 700 closed && mkdir -m 1777 open && echo x > closed/file && echo x > secret && chmod 600 secret
            chown 1234:1234 closed closed/file secret
            touch listed && chmod 644 listed && setfacl -m u:65534:- listed
            {other} sh -c 'touch open/own && ls open >/dev/null'
            for try in 'cat secret' 'ls closed' 'cat closed/file' 'touch new' 'chmod 666 secret' 'rm -f secret' 'cat listed'; do
                ! {other} sh -c "$try" 2>/dev/null
            done
            cat closed/file secret listed > open/copy && chmod 0 secret && cat secret > /dev/null
            """);
        mount.Unmount();
        image.AssertClean();
    }

    [Fact]
    public void Nobody_but_root_can_have_fakeroot_with_others_let_in()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, "switching to an ordinary user needs root");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        string program = UnprivilegedCommand.CopyTo(image.Directory);
        Tool.Shell($"chown 65534:65534 '{image.Path}' '{place}' && chmod 755 '{image.Directory.Path}'");
        ToolResult result = Tool.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            program, "-o", "fakeroot,allow_other", image.Path, place);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("'fakeroot' and 'allow_other'", result.Errors, StringComparison.Ordinal);
    }

    private static string Shown(ServedMount mount, params string[] names) =>
        Tool.Check("stat", ["-c", "%u:%g", .. names.Select(mount.Combine)]);

    /// <summary>What debugfs reads in the image.</summary>
    private static string Stored(string image, string path)
    {
        string text = Tool.Check("debugfs", "-R", $"stat {path}", image);
        string[] words = text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return $"{words[Array.IndexOf(words, "User:") + 1]}:{words[Array.IndexOf(words, "Group:") + 1]}";
    }
}
