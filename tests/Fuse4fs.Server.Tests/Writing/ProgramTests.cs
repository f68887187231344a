using Fuse4fs.Testing;
using Fuse4fs.Testing.Trees;

namespace Fuse4fs.Server.Tests.Writing;

/// <summary>Real programs write to a mount; e2fsck and the kernel's ext4 judge what they left.</summary>
public sealed class ProgramTests
{
    /// <summary>Reading through the kernel moves them, reading through us does not.</summary>
    private const string AccessTime = "access-time";

    /// <summary>Scripts run in the mount point; $TREE is some directory with files.</summary>
    public static TheoryData<string, string> Programs => new()
    {
        { "tar", "mkdir t && tar -C \"$TREE\" -cf - . | tar -C t -xf - && diff -r \"$TREE\" t "
            + "&& rm -r t/* && tar -C \"$TREE\" -cf - . | tar -C t -xf -" },
        { "git", "git init -q r && cd r && git config user.email a@b && git config user.name n && cp -r \"$TREE\"/. . "
            + "&& git add -A && git commit -qm one && git mv $(git ls-files | head -1) moved && git commit -qm two "
            + "&& git gc -q && git fsck && test -z \"$(git status --porcelain)\" && git clone -q . ../clone" },
        { "sqlite3", "for i in $(seq 20); do sqlite3 db \"create table if not exists t(a); insert into t values($i);\"; done; "
            + "sqlite3 db 'pragma journal_mode=wal; insert into t select a from t; pragma integrity_check;' | grep -q ok" },
        { "rsync", "rsync -aHAX \"$TREE\"/ copy/ && rsync -aHAX --delete \"$TREE\"/ copy/ "
            + "&& test -z \"$(rsync -aHAXcn --itemize-changes \"$TREE\"/ copy/)\"" },
        { "fio", "fio --name=v --rw=randrw --bs=4k --size=16m --numjobs=2 --verify=crc32c --fallocate=none --minimal > /dev/null "
            + "&& fio --name=d --rw=write --direct=1 --bs=64k --size=16m --verify=md5 --minimal > /dev/null" },
        { "cp", "cp -a \"$TREE\" a && cp -a --sparse=always a b && diff -r a b && truncate -s 5G sparse && printf x >> sparse "
            + "&& cp --sparse=auto sparse copy && cmp -n 1000000 sparse copy && test $(stat -c %b copy) -lt 1000" },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public void What_a_program_wrote_is_what_the_kernel_reads(string program, string script)
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        Assert.SkipUnless(Host.NoKernelExt4 is null, Host.NoKernelExt4 ?? "");
        Assert.SkipUnless(Host.Without(program) is null, Host.Without(program) ?? "");
        using var tree = new TemporaryDirectory();
        Tool.Shell($"""
            cd '{tree.Path}'
            for d in a a/b c; do mkdir -p $d; for i in $(seq 40); do head -c $((i * 997)) /dev/urandom > $d/file$i; done; done
            ln -s a/b/file1 link; ln a/file2 hard; chmod 750 c; setfattr -n user.x -v y a/file3
            """);
        using var image = new TestImage("-t ext4", 300L << 20);
        TreeSnapshot ours;
        using (var mount = new ServedMount(image.Path, "rw"))
        {
            ToolResult result = Tool.Run("bash", "-euo", "pipefail", "-c",
                $"export TREE='{tree.Path}' HOME='{tree.Path}'; cd '{mount.MountPoint}'; {script}");
            Assert.True(result.ExitCode == 0, result.ToString());
            // What was removed counts as free once that is durable.
            Assert.Equal(0, Command.Run("sync", mount.MountPoint).ExitCode);
            ours = MountedTree.Capture(mount.MountPoint);
            mount.Unmount();
        }
        image.AssertClean();
        using var kernel = new LoopMount(image.Path, "ro");
        Assert.Empty(TreeSnapshot.Differences(MountedTree.Capture(kernel.MountPoint), ours, AccessTime));
    }

    [Fact]
    public void Many_processes_at_once_leave_a_clean_image()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4", 300L << 20);
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($$"""
            cd '{{mount.MountPoint}}'
            work() {
                for i in $(seq 12); do
                    echo $1 > shared/$1-$i; mv shared/$1-$i shared/$1+$i; mkdir own$1-$i; head -c 30000 /dev/zero > own$1-$i/f
                    ln own$1-$i/f shared/l$1-$i; rm own$1-$i/f; rmdir own$1-$i
                done
            }
            mkdir shared
            for k in $(seq 32); do work $k & done
            wait
            test $(ls shared | wc -l) = 768
            """);
        mount.Unmount();
        image.AssertClean();
    }
}
