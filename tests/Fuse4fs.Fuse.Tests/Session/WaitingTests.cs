using System.Collections.Concurrent;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Session;

/// <summary>How many workers wait for requests, and how they do it.</summary>
public sealed class WaitingTests
{
    private const InitFlags Everything = (InitFlags)0x7FF_7FFF_FFFF & ~(InitFlags)(1UL << 31);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void One_request_after_the_other_is_served_by_few_workers()
    {
        var seen = new ConcurrentDictionary<int, bool>();
        using var served = new Served(workers: 6, (in InHeader _) => seen[Environment.CurrentManagedThreadId] = true);
        served.OneByOne(6 * 64);
        seen.Clear();
        served.OneByOne(200);
        Assert.InRange(seen.Count, 1, 2);
    }

    /// <summary>Nobody takes the place of a worker that is held up but another: there must be one at every moment.</summary>
    [Fact]
    public void Workers_that_were_sent_away_come_back_when_the_others_are_held_up()
    {
        using var release = new SemaphoreSlim(0);
        using var served = new Served(workers: 6, (in InHeader header) =>
        {
            if (header.Opcode == Opcode.Fsync)
            {
                release.Wait();
            }
        });
        for (int round = 0; round < 20; round++)
        {
            served.OneByOne(6 * 40);
            ulong[] held = [.. Enumerable.Range(0, 5).Select(_ => served.Send(Opcode.Fsync))];
            served.OneByOne(10);
            Assert.DoesNotContain(held, served.IsAnswered);
            release.Release(5);
            Assert.All(held, served.AwaitAnswer);
        }
    }

    [Fact]
    public void Looking_for_requests_ends_where_it_finds_none_and_starts_where_they_follow_closely()
    {
        var kernel = new PatientKernel();
        var wait = new RequestWait(kernel, new LookingPlace());
        Assert.SkipUnless(Environment.ProcessorCount > 1, "with one CPU no worker looks for requests");
        kernel.Pause = TimeSpan.FromMilliseconds(2);
        Times(wait, 20);
        kernel.Looks = 0;
        Times(wait, 20);
        Assert.Equal(0, kernel.Looks);
        kernel.Pause = TimeSpan.Zero;
        Assert.True(SpinWait.SpinUntil(() => Times(wait, 100) && kernel.Looks > 0, _patience));
    }

    private static bool Times(RequestWait wait, int count)
    {
        byte[] buffer = new byte[16];
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(ReadOutcome.Request, wait.Next(buffer, out int length));
            Assert.Equal(1, length);
        }
        return true;
    }

    /// <summary>Has a request for whoever sleeps, after a pause, and none for whoever only looks.</summary>
    private sealed class PatientKernel : IFuseTransport
    {
        private bool _isBlocking = true;

        public TimeSpan Pause { get; set; }

        public int Looks { get; set; }

        public bool TrySetBlocking(bool isBlocking)
        {
            _isBlocking = isBlocking;
            return true;
        }

        public ReadOutcome Read(Span<byte> buffer, out int length)
        {
            length = _isBlocking ? 1 : 0;
            if (!_isBlocking)
            {
                Looks++;
                return ReadOutcome.Nothing;
            }
            if (Pause > TimeSpan.Zero)
            {
                Thread.Sleep(Pause);
            }
            return ReadOutcome.Request;
        }

        public Errno Write(ReadOnlySpan<byte> message) => Errno.Ok;

        public Errno WriteVectors(ReadOnlySpan<IoVector> pieces) => Errno.Ok;

        public Errno Ioctl(uint request, Span<byte> argument, out int result)
        {
            result = 0;
            return Errno.NotTerminal;
        }

        public Errno Clone(out IFuseTransport? clone)
        {
            clone = null;
            return Errno.NotSupported;
        }

        public void Dispose()
        {
        }
    }

    /// <summary>A session that is being served.</summary>
    private sealed class Served : IDisposable
    {
        private readonly FakeKernel _kernel = new();
        private readonly FuseSession _session;
        private ulong _unique = 1;

        public Served(int workers, Watch watch)
        {
            var handler = new ScriptedHandler((in InHeader header, ref RequestReader _, ref ReplyWriter _) =>
            {
                watch(in header);
                return Errno.Ok;
            });
            _kernel.Enqueue(FakeKernel.Init(Everything));
            _session = new FuseSession(_kernel, handler, new SessionOptions { Workers = workers, ExtraWorkers = 0 });
            _session.Start();
        }

        public delegate void Watch(in InHeader header);

        public ulong Send(Opcode opcode)
        {
            _kernel.Enqueue(FakeKernel.Request(opcode, ++_unique, 1, new byte[16]));
            return _unique;
        }

        public bool IsAnswered(ulong unique) => _kernel.Replies.ContainsKey(unique);

        public void AwaitAnswer(ulong unique) =>
            Assert.True(SpinWait.SpinUntil(() => IsAnswered(unique), _patience), $"request {unique} was not answered");

        public void OneByOne(int count)
        {
            for (int i = 0; i < count; i++)
            {
                AwaitAnswer(Send(Opcode.ReadLink));
            }
        }

        public void Dispose()
        {
            _kernel.End();
            _session.Dispose();
        }
    }
}
