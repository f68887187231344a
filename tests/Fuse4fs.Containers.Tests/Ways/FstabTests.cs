using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Ways;

/// <summary>Lines of fstab as mount(8), umount(8) and systemd read them.</summary>
public sealed class FstabTests
{
    private const string Generator = "/lib/systemd/system-generators/systemd-fstab-generator";
    private const string UnmountLink = "/sbin/umount.fuse4fs";

    private static readonly string s_type = string.Create(CultureInfo.InvariantCulture, $"fuse.f4s{Environment.ProcessId}");

    [Fact]
    public void Mount_reads_a_line_and_umount_waits_whatever_path_it_is_given()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("a place");
        string table = image.Directory.Combine("fstab");
        File.WriteAllText(table, $"{image.Path} {place.Replace(" ", "\\040", StringComparison.Ordinal)} {s_type} "
            + "rw,noatime,noauto,nofail,x-systemd.automount 0 0\n");
        bool isMine = !File.Exists(UnmountLink);
        try
        {
            File.CreateSymbolicLink("/sbin/mount." + s_type, Command.Path);
            if (isMine)
            {
                File.CreateSymbolicLink(UnmountLink, Command.Path);
            }
            for (int round = 0; round < 5; round++)
            {
                Silent("mount", "-T", table, place);
                Assert.Equal(s_type, MountTable.Find(place)!.Type);
                Tool.Shell($"head -c 30000000 /dev/urandom > '{place}/big'; for i in $(seq 300); do echo $i > '{place}/$i'; done");
                Silent("umount", place);
                Assert.Null(MountTable.Find(place));
                // Not a moment later: nobody may find it half-written or locked.
                ToolResult locked = Tool.Run("flock", "-n", image.Path, "true");
                Assert.True(locked.ExitCode == 0, $"the image is still locked: {locked}\n"
                    + Tool.Run("lslocks", "--output", "COMMAND,PID,TYPE,MODE,PATH").Output
                    + Tool.Shell("ps -eo pid,ppid,stat,etimes,args | grep [f]use4fs"));
                image.AssertClean();
                Assert.DoesNotContain(" ROOT=/ OPTS=helper=fuse4fs\n", UserTableLines(place), StringComparison.Ordinal);
            }
        }
        finally
        {
            File.Delete("/sbin/mount." + s_type);
            if (isMine)
            {
                File.Delete(UnmountLink);
            }
        }
    }

    [Fact]
    public void Systemd_makes_a_mount_and_an_automount_of_a_line()
    {
        Assert.SkipUnless(File.Exists(Generator), "systemd is not installed");
        using var directory = new TemporaryDirectory();
        string table = directory.Combine("fstab");
        File.WriteAllText(table, "/srv/image.ext4 /mnt/image fuse.ext4 ro,nofail,x-systemd.automount 0 0\n");
        ToolResult result = Tool.Run("env", "SYSTEMD_FSTAB=" + table, "SYSTEMD_IN_INITRD=0", "SYSTEMD_LOG_TARGET=console",
            Generator, directory.CreateSubdirectory("a"), directory.CreateSubdirectory("b"), directory.CreateSubdirectory("c"));
        Assert.True(result.ExitCode == 0, result.ToString());
        string unit = File.ReadAllText(directory.Combine("a/mnt-image.mount"));
        Assert.Contains("What=/srv/image.ext4\n", unit, StringComparison.Ordinal);
        Assert.Contains("Where=/mnt/image\n", unit, StringComparison.Ordinal);
        Assert.Contains("Type=fuse.ext4\n", unit, StringComparison.Ordinal);
        Assert.Contains("Where=/mnt/image\n", File.ReadAllText(directory.Combine("a/mnt-image.automount")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_units_of_the_mount_service_are_well_formed()
    {
        Assert.SkipUnless(Host.Without("systemd-analyze") is null, "systemd is not installed");
        using var directory = new TemporaryDirectory();
        foreach (string unit in (string[])["fuse4fs-ext4.socket", "fuse4fs-ext4@.service"])
        {
            string text = File.ReadAllText(Path.Combine(Repository.Root, "scripts/package.d/systemd", unit))
                .Replace("/usr/bin/fuse4fs", Command.Path, StringComparison.Ordinal)
                .Replace("Documentation=man:fuse4fs(1)\n", "", StringComparison.Ordinal);
            File.WriteAllText(directory.Combine(unit), text);
        }
        ToolResult result = Tool.Run("systemd-analyze", "verify", "--recursive-errors=no",
            directory.Combine("fuse4fs-ext4.socket"), directory.Combine("fuse4fs-ext4@.service"));
        Assert.True(result is { ExitCode: 0, Errors: "" }, result.ToString());
    }

    private static string UserTableLines(string place) => File.Exists("/run/mount/utab")
        ? string.Concat(File.ReadLines("/run/mount/utab")
            .Where(line => line.Contains(place.Replace(" ", "\\040", StringComparison.Ordinal), StringComparison.Ordinal))
            .Select(static line => line + "\n"))
        : "";

    private static void Silent(string program, params string[] arguments) =>
        Assert.Equal(new ToolResult(0, "", ""), Tool.Run(program, arguments));
}
