using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>The helpers as mount(8) and umount(8) start them: links in /sbin, here of a type of this process's own.
/// </summary>
public class MountHelperTests
{
    private static readonly string s_type = string.Create(CultureInfo.InvariantCulture, $"fuse.f4t{Environment.ProcessId}");

    [Fact]
    public void Mount_and_umount_work_as_for_any_type()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        string device = Tool.Check("losetup", "--find", "--show", image.Path).Trim();
        string place = image.Directory.CreateSubdirectory("mnt");
        string[] links = [$"/sbin/mount.{s_type}", $"/sbin/umount.{s_type}"];
        try
        {
            foreach (string link in links)
            {
                File.CreateSymbolicLink(link, Command.Path);
            }
            Silent("mount", "-t", s_type, "-o", "noexec,acl", device, place);
            Assert.Equal(s_type, MountTable.Find(place)!.Type);
            Assert.Equal(device, MountTable.Find(place)!.Source);
            Tool.Shell($"head -c 20000000 /dev/urandom > {place}/big; for i in $(seq 200); do echo $i > {place}/$i; done");
            Silent("mount", "-o", "remount,ro", place);
            Assert.Contains("ro", MountTable.Find(place)!.Options.Split(','));
            Silent("mount", "-o", "remount,rw", place);
            File.WriteAllText(Path.Combine(place, "again"), "written");
            // By a relative path: of an absolute one umount(8) asks the kernel, hears "fuse", and looks for umount.fuse.
            Silent("env", "--chdir=" + image.Directory.Path, "umount", "mnt");
            Assert.Null(MountTable.Find(place));
            ToolResult check = Tool.Run("e2fsck", "-fn", device);
            Assert.True(check.ExitCode == 0, check.ToString());
            ToolResult refused = Tool.Run("mount", "-t", s_type, "-o", "dax=always", device, place);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Null(MountTable.Find(place));
        }
        finally
        {
            foreach (string link in links)
            {
                File.Delete(link);
            }
        }
    }

    private static void Silent(string program, params string[] arguments) =>
        Assert.Equal(new ToolResult(0, "", ""), Tool.Run(program, arguments));
}
