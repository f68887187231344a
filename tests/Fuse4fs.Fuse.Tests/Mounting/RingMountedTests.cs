using System.Collections.Concurrent;
using Fuse4fs.Fuse.Tests.Session;
using Fuse4fs.Fuse.Uring;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Mounting;

/// <summary>Requests over io_uring. Turns the kernel's switch on for the time of a test.</summary>
public sealed class RingMountedTests : MountedTests, IDisposable
{
    private const string Switch = "/sys/module/fuse/parameters/enable_uring";

    private bool _wasOff;

    protected override InitFlags Transport => InitFlags.OverIoUring;

    public void Dispose()
    {
        if (_wasOff)
        {
            File.WriteAllText(Switch, "N");
        }
    }

    [Fact]
    public void Requests_do_come_over_the_rings()
    {
        PrepareTransport();
        using var tree = new NullFileSystem(new NullOptions());
        int mostWorkers = 0;
        int ringRequests = 0;
        var handler = new ScriptedHandler((in InHeader header, ref RequestReader body, ref ReplyWriter reply) =>
        {
            Interlocked.Add(ref ringRequests, reply.CopiesMemory ? 1 : 0);
            return tree.Handle(in header, ref body, ref reply);
        });
        using var mount = new TestMount(handler, NullFileSystem.Wanted | Transport);
        mostWorkers = handler.MaxWorkers;
        TestMount.Shell($"cd {mount.Path}; for i in $(seq 50); do echo $i > f$i; done; cat f*");
        Assert.True(mount.Session.Capabilities.Has(InitFlags.OverIoUring));
        Assert.True(ringRequests > 150, $"{ringRequests} requests over rings");
        Assert.True(mostWorkers > new SessionOptions().MaxWorkers);
    }

    /// <summary>As a commit thread does it: one answers what many have deferred.</summary>
    [Fact]
    public void More_requests_can_be_deferred_than_there_are_threads()
    {
        PrepareTransport();
        const int files = 40;
        using var deferred = new BlockingCollection<DeferredReply>();
        using var tree = new NullFileSystem(new NullOptions());
        var handler = new WrappingHandler(tree)
        {
            Before = (in InHeader header, ref ReplyWriter reply) =>
            {
                if (header.Opcode == Opcode.Fsync)
                {
                    deferred.Add(reply.Defer(in header));
                    return true;
                }
                return false;
            },
        };
        using var mount = new TestMount(handler, NullFileSystem.Wanted | Transport);
        int most = 0;
        int answered = 0;
        var committer = new Thread(() =>
        {
            while (answered < files && deferred.TryTake(out DeferredReply first, TimeSpan.FromSeconds(60)))
            {
                Thread.Sleep(20);
                DeferredReply[] all = [first, .. Enumerable.Range(0, deferred.Count).Select(_ => deferred.Take())];
                most = Math.Max(most, all.Length);
                answered += all.Count(token => token.Complete(Errno.Ok) == Errno.Ok);
                Assert.All(all, token => Assert.Equal(Errno.NoEntry, token.Complete(Errno.Ok)));
            }
        });
        committer.Start();
        string output = TestMount.Shell(
            $"cd {mount.Path}; for i in $(seq {files}); do (echo x > f$i; sync f$i) & done; wait; ls | wc -l");
        committer.Join();
        Assert.Equal($"{files}\n", output);
        Assert.Equal(files, answered);
        Assert.True(most > 1, "the fsyncs never came together");
    }

    [Theory]
    [InlineData("0\n", new[] { 0 })]
    [InlineData("0-3", new[] { 0, 1, 2, 3 })]
    [InlineData("0,2-3,8", new[] { 0, 2, 3, 8 })]
    public void Lists_of_cpus_are_understood(string list, int[] cpus) => Assert.Equal(cpus, CpuList.Parse(list));

    protected override void PrepareTransport()
    {
        TestMount.SkipUnlessPossible();
        Assert.SkipUnless(File.Exists(Switch), "this kernel has no FUSE over io_uring (Linux 6.14)");
        Assert.SkipUnless(RingPool.Probe() == Errno.Ok, "io_uring is forbidden here");
        if (File.ReadAllText(Switch).Trim() == "N")
        {
            try
            {
                File.WriteAllText(Switch, "Y");
                _wasOff = true;
            }
            catch (UnauthorizedAccessException)
            {
                Assert.Skip($"{Switch} is off and cannot be turned on here");
            }
        }
    }
}
