using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>Mounting without root: by fusermount3, and as root of a user namespace.</summary>
public sealed class UnprivilegedTests
{
    [Fact]
    public void Root_of_a_user_namespace_mounts_by_itself()
    {
        Assert.SkipUnless(Host.NoFuse is null, Host.NoFuse ?? "");
        Assert.SkipUnless(Tool.Run("unshare", "-Urm", "true").ExitCode == 0, "user namespaces are not permitted");
        using var image = FilledImage();
        string place = image.Directory.CreateSubdirectory("mnt");
        ToolResult result = Tool.Run("unshare", "-Urm", "bash", "-euo", "pipefail", "-c", $"""
            '{Command.Path}' -o ro '{image.Path}' '{place}'
            grep ' {place} ' /proc/self/mountinfo | grep -o ' - fuse.ext4'
            cat '{place}/file'
            '{Command.Path}' umount '{place}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(" - fuse.ext4\ncontents\n", result.Output);
    }

    [Fact]
    public void An_ordinary_user_mounts_through_fusermount3()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, "switching to an ordinary user needs root");
        Assert.SkipUnless(Host.Without("fusermount3") is null, "fusermount3 is not installed");
        const string user = "setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs";
        using var image = FilledImage();
        string place = image.Directory.CreateSubdirectory("mnt");
        string program = CopyOfTheCommand(image.Directory);
        Tool.Shell($"chown 65534:65534 '{place}' '{image.Path}' && chmod 755 '{image.Directory.Path}'");
        using var opened = new OpenedFuseDevice();
        string drop = user.Replace(" --no-new-privs", "", StringComparison.Ordinal);
        ToolResult result = Tool.Run("bash", "-euo", "pipefail", "-c", $"""
            cd /
            export HOME=/ TMPDIR=/tmp
            {drop} '{program}' -o ro '{image.Path}' '{place}'
            grep ' {place} ' /proc/self/mountinfo | grep -o 'fuse.ext4.*user_id=[0-9]*' | sed 's/ .* /,/'
            {drop} cat '{place}/file'
            # Others do not get in.
            cat '{place}/file' 2>/dev/null || echo refused
            {drop} '{program}' umount '{place}'
            grep -c ' {place} ' /proc/self/mountinfo || true
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches(@"^fuse\.ext4.*user_id=65534\ncontents\nrefused\n0\n$", result.Output);
    }

    [Fact]
    public void A_write_protected_image_is_mounted_read_only_with_one_line()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, "switching to an ordinary user needs root");
        Assert.SkipUnless(Tool.Run("unshare", "-Urm", "true").ExitCode == 0, "user namespaces are not permitted");
        using var image = FilledImage();
        string place = image.Directory.CreateSubdirectory("mnt");
        string program = CopyOfTheCommand(image.Directory);
        Tool.Shell($"chmod 444 '{image.Path}' && chmod 777 '{place}' && chmod 755 '{image.Directory.Path}'");
        using var opened = new OpenedFuseDevice();
        ToolResult result = Tool.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-Urm",
            "bash", "-euo", "pipefail", "-c", $"""
            cd /
            '{program}' '{image.Path}' '{place}'
            grep ' {place} ' /proc/self/mountinfo | grep -o ' - fuse.ext4 [^ ]* r[ow]' | sed 's/ [^ ]* \(r[ow]\)$/ \1/'
            cat '{place}/file'
            '{program}' umount '{place}'
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(" - fuse.ext4 ro\ncontents\n", result.Output);
        Assert.Equal($"fuse4fs: {image.Path}: write-protected, mounted read-only\n", result.Errors);
    }

    private static TestImage FilledImage()
    {
        using var tree = new TemporaryDirectory();
        File.WriteAllText(tree.Combine("file"), "contents\n");
        return new TestImage("-t ext4", contents: tree.Path);
    }

    /// <summary>Where ordinary users can reach it; the build folder may belong to root alone.</summary>
    private static string CopyOfTheCommand(TemporaryDirectory directory)
    {
        string copy = directory.CreateSubdirectory("bin");
        Tool.Shell($"cp '{AppContext.BaseDirectory}'/*.dll '{AppContext.BaseDirectory}'/fuse4fs* '{copy}' "
            + $"&& chmod -R a+rX '{copy}'");
        return Path.Combine(copy, "fuse4fs");
    }
}
