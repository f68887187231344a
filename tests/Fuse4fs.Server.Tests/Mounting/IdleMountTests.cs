using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Mounting;

/// <summary>What the kernel knows it does not ask again.</summary>
public sealed class IdleMountTests
{
    /// <summary>All kinds but those of fuse4fs status itself.</summary>
    private static readonly string[] Kinds =
    [
        "LOOKUP", "GETATTR", "STATX", "READLINK", "OPEN", "READ", "READDIR", "READDIRPLUS", "RELEASE", "RELEASEDIR",
        "OPENDIR", "FLUSH", "ACCESS", "FORGET", "BATCH_FORGET",
    ];

    [Fact]
    public void Repeated_stat_open_readlink_readdir_and_read_reach_the_server_zero_times()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var tree = new TemporaryDirectory();
        Tool.Shell($"""
            cd '{tree.Path}'
            mkdir -p d/e
            for i in $(seq 200); do echo $i > d/file$i; done
            head -c 3000000 /dev/urandom > big
            ln -s d/file7 link
            ln -s "$(printf 'x%.0s' $(seq 200))" long
            """);
        using var image = new TestImage("-t ext4", contents: tree.Path);
        using var mount = new ServedMount(image.Path);
        string uses = $"""
            cd '{mount.MountPoint}'
            ls -lR > /dev/null
            find . -type f -size -2 > /dev/null
            stat d/e missing/nothing d/missing > /dev/null 2>&1 || true
            readlink link long > /dev/null
            cat big link d/file* > /dev/null
            cat nothing-here 2> /dev/null || true
            """;
        Tool.Shell(uses);
        Tool.Shell(uses);
        long before = mount.Requests(Kinds);
        Tool.Shell(uses);
        Tool.Shell(uses);
        Assert.Equal(before, mount.Requests(Kinds));
        Assert.True(before > 0);
    }
}
