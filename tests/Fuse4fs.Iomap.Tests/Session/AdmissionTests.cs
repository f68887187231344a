using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Session;

/// <summary>Write-back and completions are answered whatever else is waiting, and everything is answered once.</summary>
public sealed class AdmissionTests
{
    private const uint WriteBackOfV8 = 1u << 31;

    /// <summary>For a server that hangs; none of the tests asserts how long anything takes.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(100);

    [Fact]
    public void Completions_are_answered_while_every_other_request_waits()
    {
        const int waiting = 60;
        const ulong firstWaiting = 1000;
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        using var release = new ManualResetEventSlim();
        var handler = new ScriptedHandler
        {
            OnRequest = _ =>
            {
                release.Wait();
                return Errno.Ok;
            },
        };
        using var session = new FuseSession(kernel, handler, Options());
        session.Start();
        try
        {
            for (ulong i = 0; i < waiting; i++)
            {
                kernel.Enqueue(Opcode.SetAttributes, firstWaiting + (i * 2), 1, new SetAttributesIn());
            }
            for (ulong round = 0; round < 20; round++)
            {
                ulong unique = 10_000 + (round * 10);
                kernel.Enqueue(Opcode.IomapBegin, unique, 2, new IomapBeginIn { Operation = WriteBackOfV8, Count = 4096 });
                kernel.Enqueue(Opcode.IomapIoEnd, unique + 2, 2, new IomapIoEndIn { Flags = 0x22, Written = 4096 });
                kernel.Enqueue(Opcode.IomapEnd, unique + 4, 2, new IomapEndIn { Operation = 1, Count = 4096 });
                WaitFor(kernel, unique, unique + 2, unique + 4);
            }
            Assert.DoesNotContain(kernel.Replies.Keys, unique => unique is >= firstWaiting and < 10_000);
        }
        finally
        {
            release.Set();
        }
        WaitFor(kernel, [.. Enumerable.Range(0, waiting).Select(i => firstWaiting + ((ulong)i * 2))]);
        kernel.End();
        session.WaitForEnd();
        Assert.All(kernel.Replies.Values, replies => Assert.Single(replies));
    }

    [Fact]
    public void The_end_comes_after_everything_else()
    {
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        using var release = new ManualResetEventSlim();
        using var isInside = new ManualResetEventSlim();
        int done = 0;
        int doneAtTheEnd = -1;
        var handler = new ScriptedHandler
        {
            OnRequest = header =>
            {
                if (header.Opcode == Opcode.Destroy)
                {
                    Volatile.Write(ref doneAtTheEnd, Volatile.Read(ref done));
                    return Errno.Ok;
                }
                isInside.Set();
                release.Wait();
                Interlocked.Increment(ref done);
                return Errno.Ok;
            },
        };
        using var session = new FuseSession(kernel, handler, Options());
        session.Start();
        const int before = 30;
        for (ulong i = 0; i < before; i++)
        {
            kernel.Enqueue(Opcode.Release, 100 + (i * 2), 2, new ReleaseIn());
        }
        kernel.Enqueue(Opcode.Destroy, 1000, 0);
        Assert.True(isInside.Wait(s_patience, TestContext.Current.CancellationToken));
        release.Set();
        WaitFor(kernel, 1000);
        kernel.End();
        session.WaitForEnd();
        Assert.Equal(before, doneAtTheEnd);
    }

    [Fact]
    public void Every_worker_is_kept_out_of_writing_pages()
    {
        var kernel = new QueueKernel();
        kernel.EnqueueStart();
        using var session = new FuseSession(kernel, new ScriptedHandler(), Options());
        session.Start();
        SpinWait.SpinUntil(() => kernel.ProtectedThreads == 5, s_patience);
        Assert.Equal(5, kernel.ProtectedThreads);
        kernel.End();
    }

    private static SessionOptions Options() => new()
    {
        Workers = 2,
        ExtraWorkers = 1,
        ReservedWorkers = 2,
        Iomap = new ScriptedIomap
        {
            OnBegin = static (in BeginRequest request, ref BeginReply reply) =>
            {
                reply.SetInPlace(Mapping.Hole(request.Offset, 4096));
                return Errno.NoSpace;
            },
        },
        Capabilities = new CapabilityRequest { MaxWriteBytes = 1 << 16 },
    };

    private static void WaitFor(QueueKernel kernel, params ulong[] uniques)
    {
        bool areThere = SpinWait.SpinUntil(() => Array.TrueForAll(uniques, kernel.Replies.ContainsKey), s_patience);
        Assert.True(areThere, $"not answered: {string.Join(' ', uniques.Where(u => !kernel.Replies.ContainsKey(u)))}");
    }
}
