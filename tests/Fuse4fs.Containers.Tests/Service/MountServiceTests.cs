using System.Text;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Service;

/// <summary>The mount service: each message byte for byte, what is done without a right of one's own, and what a helper that
/// misbehaves gets.</summary>
public sealed class MountServiceTests
{
    [Fact]
    public void A_mount_takes_these_messages_and_no_others()
    {
        Assert.SkipUnless(ListeningService.Missing is null, ListeningService.Missing ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        using var service = new ListeningService();
        using (var helper = new ServiceHelper(service.Path))
        {
            Assert.Equal(0, helper.Mount("ext4", image.Path, place, "-o", "rw,noatime"));
            Assert.Equal([
                "4C41535400010000",
                // O_RDWR | O_EXCL | O_NONBLOCK, no mode, quietly, no block size.
                $"OPEN 00000882000000000000000100000000 {image.Path}",
                "TYPE 00000000",
                $"NAME {image.Path}",
                $"MNTP 40000000 {place}",
                "OPTS allow_other,default_permissions",
                "DOIT 00000400",
                "BYEE 00000000",
            ], helper.Heard);
        }
        Assert.Equal("fuse.ext4", MountTable.Find(place)!.Type);
        Tool.Shell($"echo hello > {place}/file; cp -r /etc/apt {place}/; cat {place}/file");
        ToolResult unmount = Command.Run("umount", place);
        Assert.True(unmount.ExitCode == 0, unmount.ToString());
        image.AssertClean();
        Assert.Contains("hello", Tool.Check("debugfs", "-R", "cat /file", image.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_the_caller_may_only_read_is_mounted_read_only()
    {
        Assert.SkipUnless(ListeningService.Missing is null, ListeningService.Missing ?? "");
        using var image = new TestImage("-t ext4");
        string before = image.Hash();
        string place = image.Directory.CreateSubdirectory("mnt");
        using var service = new ListeningService();
        using var helper = new ServiceHelper(service.Path) { Refusals = { ["OPEN"] = Errno.AccessDenied } };
        Assert.Equal(0, helper.Mount("ext4", image.Path, place));
        // The service itself may write: that it is root must not count.
        Assert.Contains("Read-only", Tool.Run("touch", place + "/x").Errors, StringComparison.Ordinal);
        Assert.Contains("DOIT 00000001", helper.Heard);
        Assert.Equal(0, Command.Run("umount", place).ExitCode);
        Assert.Equal(before, image.Hash());
    }

    [Fact]
    public void Without_the_right_to_let_others_in_the_mount_is_the_callers_own()
    {
        Assert.SkipUnless(ListeningService.Missing is null, ListeningService.Missing ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        using var service = new ListeningService();
        using var helper = new ServiceHelper(service.Path);
        helper.Greet(0x53414654_0001_0001, 0);
        helper.SendFile("argv", ServiceHelper.Arguments("ext4", image.Path, place));
        helper.SendFile("fusedev", LibC.Open("/dev/fuse", OpenFlags.ReadWrite | OpenFlags.CloseOnExec, 0));
        helper.Refusals["DOIT"] = Errno.NotPermitted;
        Assert.Equal(32, helper.Obey());
        Assert.Contains("OPTS default_permissions", helper.Heard);
        Assert.Null(MountTable.Find(place));
        // What the service took it has let go.
        using var again = new ServedMount(image.Path, "rw");
    }

    /// <summary>The file would be replaced, or made and removed, with the service's rights.</summary>
    [Theory]
    [InlineData("metrics", "figures")]
    [InlineData("lockfile", "nologin")]
    [InlineData("stripe_member", "figures")]
    public void A_caller_names_no_file_for_the_service_to_use(string option, string name)
    {
        Assert.SkipUnless(ListeningService.Missing is null, ListeningService.Missing ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        string file = image.Directory.Combine("figures");
        File.WriteAllText(file, "precious");
        using var service = new ListeningService();
        using var helper = new ServiceHelper(service.Path);
        string named = image.Directory.Combine(name);
        Assert.Equal(1, helper.Mount("ext4", image.Path, place, "-o", $"ro,{option}={named}"));
        Assert.Null(MountTable.Find(place));
        Assert.Equal("precious", File.ReadAllText(file));
        Assert.Equal(named == file, File.Exists(named));
    }

    [Theory]
    [InlineData("NAME")]
    [InlineData("MNTP")]
    [InlineData("OPTS")]
    [InlineData("TYPE")]
    public void A_refusal_ends_the_service_with_a_code(string tag)
    {
        Assert.SkipUnless(ListeningService.Missing is null, ListeningService.Missing ?? "");
        using var image = new TestImage("-t ext4");
        using var service = new ListeningService();
        using var helper = new ServiceHelper(service.Path) { Refusals = { [tag] = Errno.Invalid } };
        Assert.Equal(32, helper.Mount("ext4", image.Path, image.Directory.CreateSubdirectory("mnt")));
        image.AssertClean();
    }

    public static TheoryData<string> Mistakes =>
    [
        "no such image", "not an image", "unknown option", "one operand", "greeting of another version", "short greeting",
        "greeting with unknown flags", "arguments that are none", "an argument beyond the end", "an argument without end",
        "a million arguments", "no descriptor", "the wrong file first", "silence", "a device that is none",
    ];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_helper_that_misbehaves_gets_no_mount_and_does_no_harm(string mistake)
    {
        Assert.SkipUnless(ListeningService.Missing is null, ListeningService.Missing ?? "");
        using var image = new TestImage("-t ext4");
        string place = image.Directory.CreateSubdirectory("mnt");
        using var service = new ListeningService();
        using (var helper = new ServiceHelper(service.Path))
        {
            Assert.NotEqual(0, Misbehave(helper, mistake, image.Path, place) ?? 1);
        }
        Assert.Null(MountTable.Find(place));
        using var good = new ServiceHelper(service.Path);
        Assert.Equal(0, good.Mount("ext4", image.Path, place));
        Assert.Equal(0, Command.Run("umount", place).ExitCode);
        image.AssertClean();
    }

    private static int? Misbehave(ServiceHelper helper, string mistake, string image, string place)
    {
        const ulong greeting = 0x53414654_0001_0001;
        switch (mistake)
        {
            case "no such image": return helper.Mount("ext4", image + ".gone", place);
            case "not an image": return helper.Mount("ext4", "/etc/passwd", place);
            case "unknown option": return helper.Mount("ext4", image, place, "-o", "frobnicate");
            case "one operand": return helper.Mount("ext4", image);
            case "greeting of another version": helper.Greet(0x53414654_0002_0003, 3); return helper.Obey();
            case "greeting with unknown flags": helper.Greet(greeting, 0x80); return helper.Obey();
            case "short greeting": helper.Send([.. "SAFT"u8]); return helper.Obey();
            case "silence": return null;
        }
        helper.Greet(greeting, 3);
        switch (mistake)
        {
            case "no descriptor": helper.Send([.. "FILE"u8, 0, 0, 0, 0, .. "argv\0"u8]); break;
            case "the wrong file first":
                helper.SendFile("fusedev", LibC.Open("/dev/fuse", OpenFlags.ReadWrite | OpenFlags.CloseOnExec, 0));
                break;
            case "a device that is none":
                helper.SendFile("argv", ServiceHelper.Arguments("ext4", image, place));
                helper.SendFile("fusedev", Native.MemoryFile([0]));
                break;
            default: helper.SendFile("argv", Native.MemoryFile(BadArguments(mistake))); break;
        }
        return helper.Obey();
    }

    private static byte[] BadArguments(string mistake) => mistake switch
    {
        "arguments that are none" => Encoding.ASCII.GetBytes("something else"),
        "an argument beyond the end" => [.. "ARGS"u8, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4],
        "an argument without end" => [.. "ARGS"u8, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 3, .. "abc"u8],
        "a million arguments" => [.. "ARGS"u8, 0, 15, 66, 64],
        _ => throw new ArgumentException(mistake),
    };
}
