using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Commands whose answer the server itself would have to put into the caller's memory.</summary>
public sealed class CallerMemoryTests
{
    /// <summary>A server with root's rights that wrote for anybody could be made to write into a set-user-id program that
    /// has taken the caller's process number.</summary>
    [Fact]
    public void Roots_server_touches_the_memory_of_roots_processes_only()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipWhen(Host.Without("setpriv") is not null, "setpriv is not installed");
        Assert.SkipWhen(Host.Without("perl") is not null, "perl is not installed");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw,allow_other");
        // EXT4_IOC_GETFSUUID with room for 16 bytes; prints the error's number, 0 for none.
        const string ask = "perl -e 'my $b = pack(\"LLx16\", 16, 0); print ioctl(STDIN, 0x8008662C, $b) ? 0 : $! + 0'";
        Assert.Equal("0", Tool.Shell($"{ask} < '{mount.MountPoint}'"));
        const string user = "setpriv --reuid=1000 --regid=1000 --clear-groups";
        Assert.Equal("1", Tool.Shell($"{user} {ask} < '{mount.MountPoint}'"));
        mount.Unmount();
        image.AssertClean();
    }
}
