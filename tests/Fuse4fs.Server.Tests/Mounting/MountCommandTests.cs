using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>Mounting by the command: what appears, what is refused, with which words and code.</summary>
public sealed class MountCommandTests
{
    [Fact]
    public void The_mount_table_shows_type_source_and_mode()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), image.Path);
        using var mount = new ServedMount(relative, "ro,allow_other,noatime");
        Assert.Equal("fuse.ext4", mount.Entry.Type);
        Assert.Equal(relative, mount.Entry.Source);
        string[] words = mount.Entry.Options.Split(',');
        Assert.All(["ro", "nosuid", "nodev", "noatime", "allow_other", "default_permissions"],
            word => Assert.Contains(word, words));
        Assert.Equal("", mount.Messages);
        mount.Unmount();
        Assert.Null(MountTable.Find(mount.MountPoint));
        Assert.True(mount.ServerEnds());
    }

    [Fact]
    public void The_detached_server_keeps_nothing_of_its_starter()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path);
        string process = $"/proc/{mount.ServerProcess}";
        Assert.Equal("/", Tool.Check("readlink", process + "/cwd").Trim());
        Assert.Equal(mount.ServerProcess.ToString(), Tool.Check("ps", "-o", "sid=", "-p", $"{mount.ServerProcess}").Trim());
        string descriptors = Tool.Check("ls", "-l", process + "/fd");
        foreach (int standard in (int[])[0, 1, 2])
        {
            Assert.Contains($" {standard} -> /dev/null", descriptors, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("pts/", descriptors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_of_the_caller_is_not_held_open()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var directory = new TemporaryDirectory();
        string place = directory.CreateSubdirectory("mnt");
        // cat ends only when nobody has the pipe any more: as standard output and as another descriptor.
        ToolResult result = Command.RunScript($$"""
            timeout 60 bash -c "'$FUSE4FS' -o ro '{{image.Path}}' '{{place}}' 7>&1 | cat"
            "$FUSE4FS" umount '{{place}}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Theory]
    [InlineData("-h")]
    [InlineData("--help")]
    [InlineData("-V")]
    [InlineData("--version")]
    public void Help_and_version_succeed(string option) => Assert.Equal(0, Command.Run(option).ExitCode);

    [Theory]
    [InlineData("", 1)]
    [InlineData("/nowhere", 1)]
    [InlineData("-o frob {image} {dir}", 1, "frob")]
    [InlineData("-o offset=x {image} {dir}", 1, "offset")]
    [InlineData("--log-level loud {image} {dir}", 1, "loud")]
    [InlineData("-o ro /nowhere/image {dir}", 32, "/nowhere/image: no such file")]
    [InlineData("-o ro {dir} {dir}", 32, "directory")]
    [InlineData("-o ro /dev/null {dir}", 32, "/dev/null")]
    [InlineData("-o ro {image} /nowhere/dir", 32, "/nowhere/dir")]
    [InlineData("-o ro {image} {image}", 32, "not a directory")]
    [InlineData("-o ro {noise} {dir}", 32, "{noise}")]
    [InlineData("-o ro,offset=1048576 {image} {dir}", 32, "{image}")]
    [InlineData("-o ro,offset=999999999999 {image} {dir}", 32, "offset")]
    [InlineData("-o ro,fuseblk=on {image} {dir}", 32, "block device")]
    public void A_refusal_is_one_line_and_a_code(string line, int code, string words = "")
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4", 8L << 20);
        string place = image.Directory.CreateSubdirectory("mnt");
        string noise = image.Directory.Combine("noise");
        File.WriteAllBytes(noise, new byte[1 << 20]);
        string Fill(string text) => text.Replace("{image}", image.Path, StringComparison.Ordinal)
            .Replace("{dir}", place, StringComparison.Ordinal).Replace("{noise}", noise, StringComparison.Ordinal);
        ToolResult result = Command.Run(Fill(line).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(code, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.StartsWith("fuse4fs: ", result.Errors, StringComparison.Ordinal);
        Assert.Equal(result.Errors.Length - 1, result.Errors.IndexOf('\n', StringComparison.Ordinal));
        Assert.Contains(Fill(words), result.Errors, StringComparison.Ordinal);
        Assert.Null(MountTable.Find(place));
    }

    [Fact]
    public void An_image_can_be_passed_as_a_descriptor()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        ToolResult result = Command.RunScript($"""
            exec 9<'{image.Path}'
            "$FUSE4FS" -o ro /proc/self/fd/9 '{place}'
            process=$("$FUSE4FS" status '{place}' | sed -n 's/^process: //p')
            # Deleted in the meantime, still served.
            stat -c %i '{place}'
            ls -l /proc/$process/fd | grep -c '{image.Path}'
            "$FUSE4FS" umount '{place}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        // One descriptor of the image: the server's own, not also the one it was passed.
        Assert.Equal("2\n1\n", result.Output);
    }

    [Fact]
    public void A_file_system_inside_a_bigger_file_is_found_by_its_offset()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var directory = new TemporaryDirectory();
        string tree = directory.CreateSubdirectory("tree");
        File.WriteAllText(Path.Combine(tree, "file"), new string('x', 100_000));
        using var image = new TestImage("-t ext4", contents: tree);
        string bigger = directory.Combine("bigger");
        Tool.Shell($"truncate -s 1048576 '{bigger}' && cat '{image.Path}' >> '{bigger}'");
        using var mount = new ServedMount(bigger, "ro,offset=1048576");
        Assert.Equal(new string('x', 100_000), File.ReadAllText(mount.Combine("file")));
    }

    [Fact]
    public void Helper_names_are_silent_and_take_what_mount_passes()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        string helper = image.Directory.Combine("mount.fuse.fuse4fs");
        string unhelper = image.Directory.Combine("umount.fuse.fuse4fs");
        File.CreateSymbolicLink(helper, Command.Path);
        File.CreateSymbolicLink(unhelper, Command.Path);
        ToolResult result = Tool.Run(helper, image.Path, place, "-o", "ro,noatime,nosuid,x-test", "-n", "-t", "fuse.fuse4fs");
        Assert.Equal(new ToolResult(0, "", ""), result);
        MountEntry entry = MountTable.Find(place)!;
        Assert.Equal("fuse.fuse4fs", entry.Type);
        Assert.Equal(image.Path, entry.Source);
        string[] words = entry.Options.Split(',');
        Assert.Contains("nosuid", words);
        Assert.Contains("allow_other", words);
        Assert.DoesNotContain("nodev", words);
        Assert.Equal(new ToolResult(0, "", ""), Tool.Run(helper, image.Path, place, "-o", "ro,remount,noexec"));
        Assert.Contains("noexec", MountTable.Find(place)!.Options.Split(','));
        ToolResult second = Tool.Run(helper, image.Path, place, "-o", "rw");
        Assert.Equal(32, second.ExitCode);
        Assert.Equal(new ToolResult(0, "", ""), Tool.Run(unhelper, place));
        Assert.Null(MountTable.Find(place));
        Assert.Equal(1, Tool.Run(helper, image.Path, place, "-o", "rw,dax").ExitCode);
        Assert.Equal(0, Tool.Run(helper, image.Path, place, "-s", "-f", "-o", "rw,dax").ExitCode);
        Assert.Null(MountTable.Find(place));
    }
}
