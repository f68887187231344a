using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Mounting;

/// <summary>What must hold on a real mount, whichever way requests come.</summary>
public abstract class MountedTests
{
    /// <summary>How requests come.</summary>
    protected abstract InitFlags Transport { get; }

    private const string HelloText = "Hello from a file system of a hundred lines.\n";

    [Fact]
    public void Hello_reads_as_it_should_and_unmounts()
    {
        using TestMount mount = Mount(new HelloFileSystem(), HelloFileSystem.Wanted);
        Assert.Equal(HelloText, File.ReadAllText(Path.Combine(mount.Path, "hello.txt")));
        Assert.Equal(["hello.txt"], Directory.GetFileSystemEntries(mount.Path).Select(Path.GetFileName));
        Assert.False(File.Exists(Path.Combine(mount.Path, "other.txt")));
        MountEntry entry = MountTable.Find(mount.Path)!;
        Assert.Equal(("fuse.test", "fuse"), (entry.Type, entry.Source));
        Assert.Contains("nosuid", entry.Options, StringComparison.Ordinal);
        mount.Unmount();
        Assert.Null(MountTable.Find(mount.Path));
        Assert.Equal(Errno.Invalid, mount.Mount.Unmount(lazily: false));
    }

    [Fact]
    public void A_busy_mount_says_so_and_goes_lazily()
    {
        using TestMount mount = Mount(new HelloFileSystem(), HelloFileSystem.Wanted);
        using (FileStream open = File.OpenRead(Path.Combine(mount.Path, "hello.txt")))
        {
            Assert.Equal(Errno.Busy, mount.Mount.Unmount(lazily: false));
            Assert.Equal(Errno.Ok, mount.Mount.Unmount(lazily: true));
            Assert.False(mount.Session.WaitForEnd(TimeSpan.FromMilliseconds(200)));
            Assert.Equal('H', open.ReadByte());
        }
        Assert.True(mount.Session.WaitForEnd(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void A_tree_can_be_built_changed_and_removed()
    {
        using var tree = new NullFileSystem(new NullOptions());
        using TestMount mount = Mount(tree, NullFileSystem.Wanted);
        string output = TestMount.Shell($"""
            set -e
            cd {mount.Path}
            mkdir -p a/b c
            for i in $(seq 500); do echo $i > a/f$i; done
            mv a/f1 c/g1
            mv -T a/b c/b
            ln a/f2 c/hard
            ln -s ../a/f3 c/soft
            mkdir x y; mv --exchange x y 2>/dev/null || true
            rm a/f4
            ls a | wc -l
            ls c | sort | xargs
            readlink c/soft
            stat -c %h a/f2
            find . | wc -l
            truncate -s 1G c/big
            stat -c %s c/big
            chmod 600 c/big
            touch -d @1000000000 c/big
            stat -c '%a %Y' c/big
            rmdir a 2>&1 >/dev/null | grep -c 'not empty'
            rm -r a c x y
            ls -A | wc -l
            """);
        Assert.Equal(
            ["498", "b g1 hard soft", "../a/f3", "2", "507",
                "1073741824", "600 1000000000", "1", "0"],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>What the kernel has cached it does not ask for again: an idle mount costs nothing. Not so with the
    /// write-back cache: there every close makes the kernel doubt the number of blocks.</summary>
    [Fact]
    public void An_idle_mount_reaches_the_server_zero_times()
    {
        var content = new NullOptions
        {
            Directories = 5,
            FilesPerDirectory = 20,
            FileBytes = 10_000,
            IsReadOnly = true,
        };
        using var tree = new NullFileSystem(content);
        var options = new MountOptions { Flags = MountFlags.ReadOnly, DefaultPermissions = true };
        using TestMount mount = Mount(tree, NullFileSystem.Wanted & ~InitFlags.WriteBackCache, options);
        string walk = $"cd {mount.Path} && ls -lR . && cat d*/f* | md5sum && stat d0/none; test -e d1/none; "
            + "readlink -f d2/f3; find . -type f | wc -l";
        string first = TestMount.Shell(walk);
        string second = TestMount.Shell(walk);
        string before = mount.RequestsOnDemand();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(second, TestMount.Shell(walk));
        }
        Assert.Equal(before, mount.RequestsOnDemand());
        Assert.Equal(first, second);
        Assert.True(mount.Requests(Opcode.Read) >= 100, "the first walk did not reach the server");
    }

    [Fact]
    public void Symbolic_links_are_cached()
    {
        using var tree = new NullFileSystem(new NullOptions());
        using TestMount mount = Mount(tree, NullFileSystem.Wanted);
        TestMount.Shell($"ln -s target {mount.Path}/link; readlink {mount.Path}/link");
        string before = mount.RequestsOnDemand();
        TestMount.Shell($"for i in $(seq 20); do readlink {mount.Path}/link; done");
        Assert.Equal(before, mount.RequestsOnDemand());
        Assert.Equal(1, mount.Requests(Opcode.ReadLink));
    }

    [Fact]
    public void Many_threads_see_a_consistent_tree()
    {
        const int threads = 16;
        const int rounds = 200;
        using var tree = new NullFileSystem(new NullOptions());
        using TestMount mount = Mount(tree, NullFileSystem.Wanted, workers: 4);
        string shared = Directory.CreateDirectory(Path.Combine(mount.Path, "shared")).FullName;
        var problems = new List<Exception>();
        Thread[] all = [.. Enumerable.Range(0, threads).Select(t => new Thread(() =>
        {
            try
            {
                string own = Directory.CreateDirectory(Path.Combine(mount.Path, $"own{t}")).FullName;
                for (int i = 0; i < rounds; i++)
                {
                    string first = Path.Combine(own, $"f{i}");
                    File.WriteAllText(first, "data");
                    File.Move(first, Path.Combine(shared, $"{t}-{i}"));
                    Assert.Equal(4, new FileInfo(Path.Combine(shared, $"{t}-{i}")).Length);
                    if (i % 2 == 0)
                    {
                        File.Delete(Path.Combine(shared, $"{t}-{i}"));
                    }
                }
                Directory.Delete(own);
            }
            catch (Exception problem)
            {
                lock (problems)
                {
                    problems.Add(problem);
                }
            }
        }))];
        Array.ForEach(all, thread => thread.Start());
        Array.ForEach(all, thread => thread.Join());
        Assert.Empty(problems);
        Assert.Equal(threads * rounds / 2, Directory.GetFiles(shared).Length);
        Assert.Equal([shared], Directory.GetFileSystemEntries(mount.Path));
    }

    [Fact]
    public void An_aborted_connection_ends_the_session()
    {
        using TestMount mount = Mount(new HelloFileSystem(), HelloFileSystem.Wanted);
        mount.Abort();
        Assert.True(mount.Session.WaitForEnd(TimeSpan.FromSeconds(60)));
        Assert.Throws<IOException>(() => File.ReadAllText(Path.Combine(mount.Path, "hello.txt")));
    }

    [Fact]
    public void An_answer_that_comes_after_the_end_does_no_harm()
    {
        DeferredReply token = default;
        using var asked = new ManualResetEventSlim();
        using var tree = new NullFileSystem(new NullOptions());
        var handler = new WrappingHandler(tree)
        {
            Before = (in InHeader header, ref ReplyWriter reply) =>
            {
                if (header.Opcode == Opcode.Fsync)
                {
                    token = reply.Defer(in header);
                    asked.Set();
                }
                return header.Opcode == Opcode.Fsync;
            },
        };
        using (TestMount mount = Mount(handler, NullFileSystem.Wanted))
        {
            string file = Path.Combine(mount.Path, "file");
            File.WriteAllText(file, "data");
            var sync = new Thread(() => TestMount.Shell($"sync {file}", expectedExitCode: 1));
            sync.Start();
            Assert.True(asked.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
            mount.Abort();
            sync.Join();
            Assert.True(mount.Session.WaitForEnd(TimeSpan.FromSeconds(60)));
            Assert.NotEqual(Errno.Ok, token.Complete(Errno.Ok));
        }
        Assert.NotEqual(Errno.Ok, token.Complete(Errno.Ok));
        Assert.NotEqual(Errno.Ok, token.Complete("late"u8));
    }

    [Fact]
    public void A_notification_makes_the_kernel_ask_again()
    {
        using TestMount mount = Mount(new HelloFileSystem(), HelloFileSystem.Wanted);
        string file = Path.Combine(mount.Path, "hello.txt");
        Assert.Equal(HelloText, File.ReadAllText(file));
        Assert.Equal((1, 1), (mount.Requests(Opcode.Lookup), mount.Requests(Opcode.Read)));
        Assert.Equal(HelloText, File.ReadAllText(file));
        Assert.Equal((1, 1), (mount.Requests(Opcode.Lookup), mount.Requests(Opcode.Read)));
        Assert.Equal(Errno.Ok, mount.Session.Notifier.InvalidateInode(2, 0, 0));
        Assert.Equal(HelloText, File.ReadAllText(file));
        Assert.Equal((1, 2), (mount.Requests(Opcode.Lookup), mount.Requests(Opcode.Read)));
        Assert.Equal(Errno.Ok, mount.Session.Notifier.InvalidateEntry(1, "hello.txt"u8));
        Assert.Equal(HelloText, File.ReadAllText(file));
        Assert.Equal(2, mount.Requests(Opcode.Lookup));
        Assert.Equal(Errno.NoEntry, mount.Session.Notifier.InvalidateEntry(1, "never"u8));
        if (mount.Session.Capabilities.Minor >= 44)
        {
            Assert.Equal(Errno.Ok, mount.Session.Notifier.IncrementEpoch());
            Assert.Equal(HelloText, File.ReadAllText(file));
            Assert.Equal(3, mount.Requests(Opcode.Lookup));
        }
    }

    [Fact]
    public void A_deferred_fsync_holds_its_caller_alone()
    {
        DeferredReply token = default;
        using var asked = new ManualResetEventSlim();
        using var tree = new NullFileSystem(new NullOptions());
        var handler = new WrappingHandler(tree)
        {
            Before = (in InHeader header, ref ReplyWriter reply) =>
            {
                if (header.Opcode != Opcode.Fsync)
                {
                    return false;
                }
                token = reply.Defer(in header);
                asked.Set();
                return true;
            },
        };
        using TestMount mount = Mount(handler, NullFileSystem.Wanted, workers: 2);
        string file = Path.Combine(mount.Path, "file");
        File.WriteAllText(file, "data");
        string output = "";
        var sync = new Thread(() => output = TestMount.Shell($"sync {file} && echo done"));
        sync.Start();
        Assert.True(asked.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        for (int i = 0; i < 50; i++)
        {
            File.WriteAllText(Path.Combine(mount.Path, $"other{i}"), "data");
        }
        Assert.True(sync.IsAlive);
        Assert.Equal(Errno.Ok, token.Complete(Errno.Ok));
        sync.Join();
        Assert.Equal("done\n", output);
        Assert.Equal(Errno.NoEntry, token.Complete(Errno.Ok));
    }

    [Fact]
    public void A_caller_that_gets_a_signal_interrupts_its_request()
    {
        DeferredReply token = default;
        ulong interrupted = 0;
        using var asked = new ManualResetEventSlim();
        using var tree = new NullFileSystem(new NullOptions());
        var handler = new WrappingHandler(tree)
        {
            Before = (in InHeader header, ref ReplyWriter reply) =>
            {
                if (header.Opcode != Opcode.Fsync)
                {
                    return false;
                }
                token = reply.Defer(in header);
                asked.Set();
                return true;
            },
            OnInterrupt = unique =>
            {
                interrupted = unique;
                token.Complete(Errno.Interrupted);
            },
        };
        using TestMount mount = Mount(handler, NullFileSystem.Wanted);
        string file = Path.Combine(mount.Path, "file");
        File.WriteAllText(file, "data");
        string output = "";
        var sync = new Thread(() => output = TestMount.Shell($"timeout 0.5 sync {file}; echo ended"));
        sync.Start();
        Assert.True(asked.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        sync.Join();
        Assert.Equal("ended\n", output);
        Assert.Equal(token.Unique, interrupted);
    }

    /// <summary>The image is cut short while we serve it: a page of the mapping is gone. An error for the reader, not
    /// the end of the server.</summary>
    [Fact]
    public void A_mapping_that_lost_its_file_gives_an_error()
    {
        const int fileBytes = 1 << 20;
        string backing = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(backing, [.. Enumerable.Repeat((byte)'x', fileBytes)]);
            var content = new NullOptions
            {
                Directories = 1,
                FilesPerDirectory = 2,
                FileBytes = fileBytes,
                Data = NullData.Mapping,
                BackingFile = backing,
            };
            using var tree = new NullFileSystem(content);
            using TestMount mount = Mount(tree, NullFileSystem.Wanted);
            byte[] whole = File.ReadAllBytes(Path.Combine(mount.Path, "d0/f0"));
            Assert.True(whole.AsSpan().IndexOfAnyExcept((byte)'x') < 0);
            Assert.Equal(fileBytes, whole.Length);
            using (FileStream file = File.OpenWrite(backing))
            {
                file.SetLength(4096);
            }
            Assert.Throws<IOException>(() => File.ReadAllBytes(Path.Combine(mount.Path, "d0/f1")));
            Assert.True(Directory.Exists(Path.Combine(mount.Path, "d0")));
        }
        finally
        {
            File.Delete(backing);
        }
    }

    [Fact]
    public void Serving_a_mount_makes_no_garbage_in_the_workers()
    {
        var content = new NullOptions { Directories = 1, FilesPerDirectory = 50, FileBytes = 10_000 };
        using var tree = new NullFileSystem(content);
        long least = long.MaxValue;
        long atStart = 0;
        int marks = 0;
        var handler = new WrappingHandler(tree)
        {
            Before = (in InHeader header, ref ReplyWriter _) =>
            {
                // One STATFS marks the start, the next one the end of a stretch of requests on the only worker.
                if (header.Opcode == Opcode.StatFs)
                {
                    long now = GC.GetAllocatedBytesForCurrentThread();
                    least = marks++ % 2 == 1 ? Math.Min(least, now - atStart) : least;
                    atStart = now;
                }
                return false;
            },
        };
        using TestMount mount = Mount(handler, NullFileSystem.Wanted, workers: 1);
        for (int round = 0; round < 8; round++)
        {
            mount.Session.Notifier.InvalidateEntry(1, "d0"u8);
            TestMount.Shell($"cd {mount.Path}; exec taskset -c 0 bash -c "
                + "'stat -f . >/dev/null; cat d0/f* | wc -c; ls -l d0; stat -f . >/dev/null'");
        }
        Assert.True(mount.Requests(Opcode.StatFs) >= 16);       // or more: a df of somebody else asks every mount
        Assert.True(mount.Requests(Opcode.Read) >= 50, mount.RequestsOnDemand());
        Assert.Equal(0, least);
    }

    /// <summary>Skips the test where this transport is not to be had.</summary>
    protected virtual void PrepareTransport()
    {
    }

    private TestMount Mount(IRequestHandler handler, InitFlags wanted, MountOptions? options = null, int workers = 0)
    {
        PrepareTransport();
        return new TestMount(handler, wanted | Transport, options, workers);
    }
}
