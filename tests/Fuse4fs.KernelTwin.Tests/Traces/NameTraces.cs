using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Sections 3 and 12 of the recordings.</summary>
public sealed class NameTraces
{
    [Fact]
    public void The_root_is_asked_for_when_somebody_looks()
    {
        using var mounted = new Mounted();
        mounted.Quiet();
        mounted.User.Stat("/");
        mounted.Expect("GETATTR");
    }

    [Fact]
    public void Creating_and_opening()
    {
        using var mounted = new Mounted();
        mounted.User.Stat("/");
        mounted.Quiet();
        long fd = mounted.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.Create);
        // In the root the raw mode: DONT_MASK was accepted, and the root is not exclusive.
        mounted.Expect("LOOKUP f => ENOENT", "CREATE f 0x8042 0100644");
        mounted.User.Close(fd);
        mounted.Expect("FLUSH", "0 RELEASE");
        mounted.User.Open("/f", OpenFlags.ReadWrite);
        mounted.Expect("GETATTR", "OPEN 0x8002");
        mounted.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.Direct);
        mounted.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.DataSync);
        mounted.User.Open("/f", OpenFlags.WriteOnly | OpenFlags.Append);
        mounted.Expect("OPEN 0xC002", "OPEN 0x9002", "OPEN 0x8401");
    }

    [Fact]
    public void Creating_in_a_directory_asks_for_its_default_acl()
    {
        using var mounted = new Mounted();
        mounted.User.Mkdir("/d");
        mounted.User.Stat("/d");
        mounted.Quiet();
        mounted.User.Open("/d/f", OpenFlags.ReadWrite | OpenFlags.Create, 0x1B6);
        mounted.Expect("LOOKUP f => ENOENT", "GETXATTR system.posix_acl_default 4096 => ENODATA",
            "CREATE f 0x8042 0100644");
    }

    [Fact]
    public void A_default_acl_is_inherited()
    {
        using var mounted = new Mounted();
        mounted.User.Mkdir("/d");
        mounted.User.SetAcl("/d", [2, 0, 0, 0], 0, isDefault: true);
        mounted.User.Stat("/d");
        mounted.User.Process.Umask = 0x3F;
        mounted.Quiet();
        mounted.User.Open("/d/f", OpenFlags.ReadWrite | OpenFlags.Create, 0x1B6);
        Assert.Equal(["LOOKUP f => ENOENT", "GETXATTR system.posix_acl_default 4096", "CREATE f 0x8042 0100666",
            "SETXATTR system.posix_acl_access", "SA(T)"], mounted.Lines().SkipWhile(line => line == "GETATTR"));
        mounted.User.Mkdir("/d/e");
        Assert.Equal(["SETXATTR system.posix_acl_default", "SETXATTR system.posix_acl_access"], mounted.Lines()[^2..]);
    }

    [Fact]
    public void Renaming_linking_unlinking_flush_times()
    {
        using var mounted = new Mounted();
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.User.Close(mounted.Written("/g", 100));
        mounted.Quiet();
        mounted.User.Rename("/f", "/g");
        mounted.Expect("RENAME f g", "SA(T)", "SA(T)", "0 FORGET");
        mounted.User.Link("/g", "/h");
        mounted.Expect("GETATTR", "LOOKUP h => ENOENT", "LINK h", "SA(T)");
        mounted.User.Unlink("/h");
        mounted.Expect("GETATTR", "UNLINK h", "SA(T)");
    }

    [Fact]
    public void An_unlinked_dirty_file_is_written_at_its_last_close()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Unlink("/f");
        mounted.User.Close(fd);
        mounted.Expect("GETATTR", "UNLINK f", "SA(T)", "B(WB) 0+4096", "K I[U|A|WB] 0+100", "FLUSH", "0 RELEASE",
            "0 FORGET");
        using var v9 = new Mounted(options: TwinOptions.V9);
        fd = v9.Create("/f");
        v9.User.Pwrite(fd, Mounted.Bytes(100), 0);
        v9.Quiet();
        v9.User.Unlink("/f");
        v9.User.Close(fd);
        v9.Expect("GETATTR", "UNLINK f", "SA(T)", "FLUSH", "0 RELEASE", "0 FORGET");
    }

    [Fact]
    public void A_temporary_file()
    {
        using var mounted = new Mounted();
        mounted.User.Stat("/");
        mounted.Quiet();
        long fd = mounted.User.OpenTemporary("/", OpenFlags.ReadWrite);
        mounted.User.Close(fd);
        mounted.Expect("TMPFILE", "FLUSH", "0 RELEASE", "0 FORGET");
    }

    [Fact]
    public void Listing()
    {
        using var mounted = new Mounted();
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.Quiet();
        mounted.User.Readdir("/");
        mounted.Expect("OPENDIR", "READDIRPLUS 0", "READDIR 1", "0 RELEASEDIR");
    }

    [Fact]
    public void Attributes_after_a_write_are_stale()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100);
        mounted.User.Stat("/f");
        mounted.Quiet();
        mounted.User.Stat("/f");
        mounted.Expect();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Quiet();
        mounted.User.Fstat(fd);
        mounted.Expect("GETATTR");
        mounted.User.Statx("/f");
        mounted.Expect("STATX 0x1AFFF");
    }

    [Fact]
    public void Changing_attributes()
    {
        using var mounted = new Mounted();
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.User.Mkdir("/d");
        mounted.User.Chmod("/f", 0x9ED);
        mounted.User.Stat("/");
        mounted.Quiet();
        mounted.User.Chmod("/f", 0x980);
        mounted.User.Chown("/f", 5, 6);
        mounted.User.Utimens("/f", (new Timestamp(1, 2), new Timestamp(3, 4)));
        mounted.User.Utimens("/f", null);
        mounted.User.Chmod("/d", 0x1C0);
        mounted.User.Chown("/d", 5, 6);
        mounted.User.Utimens("/d", (new Timestamp(1, 2), new Timestamp(3, 4)));
        mounted.Expect("SA(0x401) mode 0104600", "GX", "SA(0x407) mode 0100600", "SA(T)", "SA(0x4b0)", "SA(0x1) mode",
            "SA(0x6)", "SA(0x30)");
    }

    [Fact]
    public void Killpriv_asks_once_and_sends_its_bit()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Init = RefPolicy.Recorded.Init | InitFlags.HandleKillPrivV2 });
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        Assert.Single(mounted.Lines(), line => line == "GX");
        mounted.User.Chown("/f", 5, 6);
        Assert.Contains("SA(0xc07) mode 0100644", mounted.Lines());
    }

    [Fact]
    public void A_capability_and_suid_are_stripped()
    {
        using var mounted = new Mounted();
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.User.Chmod("/f", 0x9FF);
        mounted.User.Setxattr("/f", "security.capability", new byte[20]);
        mounted.User.Stat("/f");
        PosixDriver other = mounted.Kernel.Process(1000, 1000);
        long fd = other.Open("/f", OpenFlags.ReadWrite);
        mounted.Quiet();
        other.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Expect("GX", "GX", "REMOVEXATTR security.capability", "SA(T)", "SA(0x1) mode 0100777", "B(W) 0+10 -> M");
        other.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Expect("GX", "B(W) 0+10 -> M");
    }

    [Fact]
    public void Xattrs_and_acls_of_files_flush_times()
    {
        using var mounted = new Mounted();
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.Quiet();
        mounted.User.Setxattr("/f", "user.a", [1]);
        mounted.User.Removexattr("/f", "user.a");
        mounted.User.SetAcl("/f", [2, 0, 0, 0], 0x1A0, isDefault: false);
        mounted.Expect("SETXATTR user.a", "SA(T)", "REMOVEXATTR user.a", "SA(T)", "SETXATTR system.posix_acl_access",
            "SA(T)", "SA(0x401) mode 0100640");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Getxattr ? Errno.ENOSYS : Errno.Ok;
        long fd = mounted.User.Open("/f", OpenFlags.ReadWrite);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Expect("B(W) 0+10 -> M");
    }

    [Fact]
    public void The_flags_of_an_inode_bind_the_kernel()
    {
        RefPolicy immutable = RefPolicy.Recorded with { FileFlags = (AttributeFlags)0x4C };
        using var mounted = new Mounted(immutable);
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EPERM, mounted.User.Open("/f", OpenFlags.ReadWrite));
        Assert.Equal(-(long)Errno.EPERM, mounted.User.Truncate("/f", 0));
        Assert.Equal(-(long)Errno.EPERM, mounted.User.Chmod("/f", 0));
        Assert.Equal(-(long)Errno.EPERM, mounted.User.Unlink("/f"));
        mounted.Expect();
        using var append = new Mounted(RefPolicy.Recorded with { FileFlags = (AttributeFlags)0x8C });
        append.User.Close(append.Written("/f", 100));
        Assert.Equal(-(long)Errno.EPERM, append.User.Open("/f", OpenFlags.ReadWrite));
        Assert.True(append.User.Open("/f", OpenFlags.WriteOnly | OpenFlags.Append) >= 0);
        using var sync = new Mounted(RefPolicy.Recorded with { FileFlags = (AttributeFlags)0x2C });
        long fd = sync.Create("/f");
        sync.Quiet();
        sync.User.Pwrite(fd, Mounted.Bytes(10), 0);
        Assert.Equal("FSYNC 1", sync.Lines()[^1]);
    }

    [Fact]
    public void Ioctls()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100);
        Assert.Equal(0, mounted.User.Ioctl(fd, 0x80086601, [], 8).Result);
        Assert.Equal(-(long)Errno.ENOTTY, mounted.User.Ioctl(fd, 0x8004587D, [], 4).Result);
        mounted.Expect("IOCTL 0x80086601", "IOCTL 0x8004587D => ENOTTY");
    }
}
