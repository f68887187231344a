using System.Globalization;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Images;
using Fuse4fs.Testing.Model;
using Fuse4fs.Testing.Native;
using Fuse4fs.Testing.Trees;
using Xunit;

namespace Fuse4fs.Server.Tests.Crash;

/// <summary>kill -9 of the server under load: the next mount needs no repair, what programs were promised is there.
/// FUSE4FS_TEST_KILL_ROUNDS: how often (3).</summary>
public sealed class KillTests : IDisposable
{
    private static readonly int s_rounds = int.Parse(
        Environment.GetEnvironmentVariable("FUSE4FS_TEST_KILL_ROUNDS") ?? "3", CultureInfo.InvariantCulture);

    private readonly TemporaryDirectory _directory = new();

    private readonly SyncedWriters _writers = new(5);

    private string Promises => _directory.Combine("promises");

    /// <summary>FUSE4FS_TEST_KILL_FEATURES names others of images/recipes.ini.</summary>
    public static TheoryData<string> Images => new(
        (Environment.GetEnvironmentVariable("FUSE4FS_TEST_KILL_FEATURES") ?? "ext4 ext4+1k ext4+nocsum fast-commit ext3+1k everything")
            .Split(' '));

    [Theory]
    [MemberData(nameof(Images))]
    public void A_killed_server_loses_nothing_it_promised(string features)
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse ?? Host.Without("git") ?? Host.Without("sqlite3");
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(RecipeBook.All[features] with { Fill = [], SizeBytes = 256 << 20 });
        string archive = MakeArchive();
        Prepare(image);
        var random = new PatternStream(5);
        for (int round = 0; round < s_rounds; round++)
        {
            LoadAndKill(image, archive, round, TimeSpan.FromMilliseconds(300 + random.Below(1500)));
            using (var mount = new FuseMount(image.Path, "rw"))
            {
                Check(mount);
                mount.Unmount();
            }
            image.AssertClean();
        }
        Assert.True(s_rounds < 10 || File.ReadAllLines(Promises).Length > s_rounds, "hardly anything was promised");
    }

    /// <summary>As sqlite does it. The entries of a directory are its data.</summary>
    [Fact]
    public void Fdatasync_of_a_directory_keeps_its_entries()
    {
        string? reason = Host.NoKernelExt4 ?? Host.NoRootFuse;
        Assert.SkipWhen(reason is not null, reason ?? "");
        using TestImage image = ImageMaker.Make(RecipeBook.All["ext4"] with { Fill = [] });
        using (var mount = new FuseMount(image.Path, "rw"))
        {
            var root = new HostPath(mount.MountPoint);
            Assert.Equal(0, Posix.MakeNode(root.Child("old"), 0x81A4, 0, 0));
            SyncData(root);
            Assert.Equal(0, Posix.MakeNode(root.Child("new"), 0x81A4, 0, 0));
            Assert.Equal(0, Posix.Unlink(root.Child("old")));
            SyncData(root);
            mount.Kill();
        }
        using var again = new FuseMount(image.Path, "ro");
        Assert.True(File.Exists(again.Combine("new")));
        Assert.False(File.Exists(again.Combine("old")));
    }

    public void Dispose() => _directory.Dispose();

    private static void SyncData(HostPath path)
    {
        int descriptor = Posix.Open(path, OpenMode.Read | OpenMode.Directory);
        Assert.Equal(0, Posix.SyncData(descriptor));
        Posix.Close(descriptor);
    }

    private static void Prepare(TestImage image)
    {
        using var mount = new FuseMount(image.Path, "rw");
        Tool.Shell($"cd {mount.MountPoint}; mkdir random untar synced; git init -q repository;"
            + " git -C repository config user.name test; git -C repository config user.email test@localhost;"
            + " sqlite3 database 'create table promised (number integer)'");
        mount.Unmount();
    }

    private string MakeArchive()
    {
        string archive = _directory.Combine("archive.tar");
        Tool.Check("tar", "-C", RecipeBook.RepositoryRoot, "-cf", archive,
            "docs", "images", "scripts", "tests/Fuse4fs.Testing/Native");
        File.WriteAllText(Promises, "");
        return archive;
    }

    private void LoadAndKill(TestImage image, string archive, int round, TimeSpan time)
    {
        using var mount = new FuseMount(image.Path, "rw");
        int first = (round + 1) * 100_000;
        // sqlite takes a directory that it cannot open, as that of a dead mount, for one that needs no sync, and says
        // that a row is there although the unlink that ends its transaction may be lost: "sync ." asks once more.
        string[] loads =
        [
            $"modes=(delete truncate persist wal); for i in $(seq {first} {first + 9999}); do"
                + " sqlite3 database \"pragma journal_mode=${modes[i / 8 % 4]}; pragma synchronous=full;"
                + $" insert into promised values ($i)\" && sync . && echo $i >> {Promises}; done",
            $"cd repository; for i in $(seq {first} {first + 9999}); do"
                + " echo $i > file-$((i % 50)); git add -A; git commit -qm \"$i\"; done",
            $"cd untar; for i in $(seq 1 1000); do mkdir -p $i; tar -C $i -xf {archive}; rm -rf $((i - 2)); done",
        ];
        using var isOver = new CancellationTokenSource();
        Task[] running =
        [
            .. loads.Select(load => load.Replace("; done", " || exit; done", StringComparison.Ordinal))
                .Select(load => Task.Run(() => Tool.Run("bash", "-c", $"cd {mount.MountPoint} && {{ {load}; }}"))),
            Task.Run(() => WorkRandomly(mount.Combine("random"), (ulong)round, isOver.Token)),
            .. _writers.Start(new HostPath(mount.Combine("synced"))),
        ];
        Thread.Sleep(time);
        mount.KillServer();
        isOver.Cancel();
        Task.WaitAll(running);
        mount.TakeAway();
    }

    private static void WorkRandomly(string directory, ulong seed, CancellationToken isOver)
    {
        using var executor = new OperationExecutor(new HostPath(directory));
        var generator = new OperationGenerator(seed);
        while (!isOver.IsCancellationRequested)
        {
            executor.Execute(generator.Next());
        }
    }

    /// <summary>Locks of programs that died with their mount are theirs to remove, on every file system.</summary>
    private void Check(FuseMount mount)
    {
        Assert.Equal("ok\n", Tool.Check("sqlite3", mount.Combine("database"), "pragma integrity_check"));
        string[] found = Tool.Check("sqlite3", mount.Combine("database"), "select number from promised").Split('\n');
        Assert.Empty(File.ReadAllLines(Promises).Except(found));
        _writers.Check(new HostPath(mount.Combine("synced")));
        Tool.Shell(
            $"cd {mount.Combine("repository")}; find .git -name '*.lock' -delete; git fsck --full; "
            + "git status --porcelain > /dev/null");
        TreeSnapshot tree = MountedTree.Capture(mount.MountPoint);
        Assert.DoesNotContain(tree.Nodes.Values, node => node["stat"].Length > 0 || node["contents"].StartsWith('-'));
    }
}
