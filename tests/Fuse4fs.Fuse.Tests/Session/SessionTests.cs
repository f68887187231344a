using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Session;

public sealed class SessionTests
{
    private const InitFlags Everything = (InitFlags)0x7FF_7FFF_FFFF & ~(InitFlags)(1UL << 31);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Init_is_answered_and_requests_follow()
    {
        var kernel = new FakeKernel();
        var handler = new ScriptedHandler((in InHeader _, ref RequestReader _, ref ReplyWriter reply) =>
        {
            reply.Append<AttributesOut>().Attributes.Inode = 77;
            return Errno.Ok;
        });
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.Enqueue(FakeKernel.Request(Opcode.GetAttributes, 2, 1, new byte[16]));
        kernel.End();
        Run(kernel, handler);
        InitOut init = MemoryMarshal.Read<InitOut>(Single(kernel, 1).AsSpan(16));
        Assert.Equal((7u, 45u, 1u << 20, 256), (init.Major, init.Minor, init.MaxWrite, (int)init.MaxPages));
        Assert.Equal(77ul, MemoryMarshal.Read<AttributesOut>(Single(kernel, 2).AsSpan(16)).Attributes.Inode);
        Assert.Equal(1, handler.Disconnections);
        Assert.Equal((1, 1), (handler.Entered, handler.Left));
        Assert.True(kernel.Clones >= 2);
    }

    [Fact]
    public void A_newer_major_version_is_asked_to_come_again_in_ours()
    {
        var kernel = new FakeKernel();
        kernel.Enqueue(FakeKernel.Init(Everything, major: 8));
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.End();
        Run(kernel, new ScriptedHandler(Refuse));
        byte[][] answers = [.. kernel.Replies[1]];
        Assert.Equal(2, answers.Length);
        Assert.Equal(7u, MemoryMarshal.Read<InitOut>(answers[0].AsSpan(16)).Major);
    }

    [Theory]
    [InlineData(6, 45)]
    [InlineData(7, 30)]
    public void A_kernel_that_is_too_old_is_refused(uint major, uint minor)
    {
        var kernel = new FakeKernel();
        kernel.Enqueue(FakeKernel.Init(Everything, minor, major));
        kernel.End();
        using var session = new FuseSession(kernel, new ScriptedHandler(Refuse), new SessionOptions());
        using IDisposable ending = kernel.EndAtDispose();
        FuseException problem = Assert.Throws<FuseException>(session.Start);
        Assert.Equal(Errno.Protocol, problem.Error);
        Assert.Equal(-(int)Errno.Protocol, MemoryMarshal.Read<OutHeader>(Single(kernel, 1)).Error);
    }

    [Fact]
    public void Exceptions_end_at_the_hook_and_the_server_goes_on()
    {
        var kernel = new FakeKernel();
        var handler = new ScriptedHandler((in InHeader header, ref RequestReader _, ref ReplyWriter reply) =>
        {
            if (header.Unique % 2 == 0)
            {
                reply.Append(new byte[100]);
                throw new InvalidDataException("damaged");
            }
            return Errno.Ok;
        });
        kernel.Enqueue(FakeKernel.Init(Everything));
        for (ulong unique = 2; unique < 102; unique++)
        {
            kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, unique, 1));
        }
        kernel.End();
        Run(kernel, handler);
        for (ulong unique = 2; unique < 102; unique++)
        {
            int expected = unique % 2 == 0 ? -(int)Errno.Corrupted : 0;
            Assert.Equal(expected, MemoryMarshal.Read<OutHeader>(Single(kernel, unique)).Error);
        }
        Assert.Equal(50, handler.Failures.Count);
        Assert.Equal((100, 100), (handler.Entered, handler.Left));
        Assert.Empty(kernel.Refused);
    }

    [Fact]
    public void Deferred_replies_are_written_later_from_another_thread()
    {
        var kernel = new FakeKernel();
        var tokens = new List<DeferredReply>();
        var handler = new ScriptedHandler((in InHeader header, ref RequestReader _, ref ReplyWriter reply) =>
        {
            lock (tokens)
            {
                tokens.Add(reply.Defer(in header));
            }
            return Errno.Invalid;
        });
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.Enqueue(FakeKernel.Request(Opcode.Fsync, 2, 1, new byte[16]));
        kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, 3, 1));
        kernel.End();
        Run(kernel, handler);
        Assert.False(kernel.Replies.ContainsKey(2));
        foreach (DeferredReply token in tokens)
        {
            Assert.Equal(Errno.Ok, token.Unique == 2 ? token.Complete(Errno.Ok) : token.Complete("target"u8));
        }
        Assert.Equal(16, Single(kernel, 2).Length);
        Assert.Equal("target"u8, Single(kernel, 3).AsSpan(16));
    }

    [Fact]
    public unsafe void A_reply_is_made_of_pieces_in_order_and_an_unreadable_one_becomes_an_error()
    {
        var kernel = new FakeKernel();
        byte[] outside = GC.AllocateArray<byte>(3, pinned: true);
        "xyz"u8.CopyTo(outside);
        var handler = new ScriptedHandler((in InHeader _, ref RequestReader _, ref ReplyWriter reply) =>
        {
            reply.Append("ab"u8);
            void* start = Unsafe.AsPointer(ref outside[0]);
            Assert.True(reply.TryAppendMemory(start, 3));
            Assert.True(reply.TryAppendMemory(start, 0));
            Assert.True(reply.TryAppendMemory(start, 1));
            reply.Append("cd"u8);
            Assert.Equal(8, reply.Length);
            return Errno.Ok;
        });
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, 2, 1));
        using var session = new FuseSession(kernel, handler, new SessionOptions());
        using IDisposable ending = kernel.EndAtDispose();
        session.Start();
        Assert.True(SpinWait.SpinUntil(() => kernel.Replies.ContainsKey(2), _patience));
        Assert.Equal("abxyzxcd"u8, Single(kernel, 2).AsSpan(16));
        kernel.FailNextVectors = Errno.BadAddress;
        kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, 3, 1));
        kernel.End();
        session.WaitForEnd();
        Assert.Equal(-(int)Errno.InputOutput, MemoryMarshal.Read<OutHeader>(Single(kernel, 3)).Error);
    }

    [Fact]
    public void Forgets_are_counted_exactly_and_interrupts_are_passed_on()
    {
        var kernel = new FakeKernel();
        var handler = new ScriptedHandler(Refuse);
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.Enqueue(FakeKernel.Request(Opcode.Forget, 2, 10, FakeKernel.Bytes(new ForgetIn { Lookups = 3 })));
        kernel.Enqueue(FakeKernel.Request(Opcode.BatchForget, 3, 0, [
            .. FakeKernel.Bytes(new BatchForgetIn { Count = 2 }),
            .. FakeKernel.Bytes(new ForgetOne { NodeId = 10, Lookups = 1 }),
            .. FakeKernel.Bytes(new ForgetOne { NodeId = 11, Lookups = ulong.MaxValue })]));
        kernel.Enqueue(FakeKernel.Request(Opcode.BatchForget, 4, 0, [
            .. FakeKernel.Bytes(new BatchForgetIn { Count = uint.MaxValue }),
            .. FakeKernel.Bytes(new ForgetOne { NodeId = 12, Lookups = 1 })]));
        kernel.Enqueue(FakeKernel.Request(Opcode.Interrupt, 5, 0, FakeKernel.Bytes(new InterruptIn { Unique = 99 })));
        kernel.End();
        Run(kernel, handler);
        Assert.Equal(4ul, handler.Forgotten[10]);
        Assert.Equal(ulong.MaxValue, handler.Forgotten[11]);
        Assert.False(handler.Forgotten.ContainsKey(12));
        Assert.Equal([99ul], handler.InterruptedRequests);
        Assert.Equal([1ul], kernel.Replies.Keys);
    }

    [Fact]
    public void When_all_workers_are_held_up_an_extra_one_answers()
    {
        var kernel = new FakeKernel();
        using var release = new ManualResetEventSlim();
        var handler = new ScriptedHandler((in InHeader header, ref RequestReader _, ref ReplyWriter _) =>
        {
            if (header.Opcode == Opcode.Fsync)
            {
                release.Wait();
            }
            return Errno.Ok;
        });
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.Enqueue(FakeKernel.Request(Opcode.Fsync, 2, 1, new byte[16]));
        kernel.Enqueue(FakeKernel.Request(Opcode.Fsync, 3, 1, new byte[16]));
        kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, 4, 1));
        var options = new SessionOptions { Workers = 2, ExtraWorkers = 1 };
        using var session = new FuseSession(kernel, handler, options);
        using IDisposable ending = kernel.EndAtDispose();
        session.Start();
        Assert.True(SpinWait.SpinUntil(() => kernel.Replies.ContainsKey(4), _patience));
        Assert.Equal(3, kernel.Clones);
        release.Set();
        for (ulong unique = 5; unique < 100; unique++)
        {
            kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, unique, 1));
        }
        kernel.End();
        Assert.True(session.WaitForEnd(_patience));
        Assert.Equal(99, kernel.Replies.Count);
        Assert.Equal(3, kernel.Clones);
    }

    [Fact]
    public void Notifications_have_the_kernels_layout()
    {
        var kernel = new FakeKernel();
        var handler = new ScriptedHandler(Refuse);
        kernel.Enqueue(FakeKernel.Init(Everything));
        kernel.End();
        Run(kernel, handler);
        FuseNotifier notifier = handler.Notifier!;
        Assert.Equal(Errno.Ok, notifier.InvalidateInode(5, 4096, 8192));
        Assert.Equal(Errno.Ok, notifier.InvalidateEntry(1, "name"u8, expireOnly: true));
        Assert.Equal(Errno.Ok, notifier.Delete(1, 2, "gone"u8));
        Assert.Equal(Errno.Ok, notifier.Store(5, 0, "data"u8));
        Assert.Equal(Errno.Ok, notifier.Resend());
        Assert.Equal(Errno.Ok, notifier.IncrementEpoch());
        Assert.Equal(Errno.Ok, notifier.Prune([1, 2, 3]));
        byte[][] sent = [.. kernel.Notifications];
        Assert.Equal([2, 3, 6, 4, 7, 8, 9], sent.Select(one => MemoryMarshal.Read<OutHeader>(one).Error));
        Assert.Equal([40, 37, 45, 44, 16, 16, 56], sent.Select(one => one.Length));
        Assert.Equal("name\0"u8, sent[1].AsSpan(32));
        Assert.Equal(Errno.NameTooLong, notifier.InvalidateEntry(1, new byte[2000]));
    }

    [Fact]
    public void Counts_are_kept_by_opcode()
    {
        var kernel = new FakeKernel();
        kernel.Enqueue(FakeKernel.Init(Everything));
        for (ulong unique = 2; unique < 12; unique++)
        {
            kernel.Enqueue(FakeKernel.Request(Opcode.ReadLink, unique, 1));
        }
        kernel.Enqueue(FakeKernel.Request((Opcode)3000, 12, 1));
        kernel.End();
        using var session = new FuseSession(kernel, new ScriptedHandler(Refuse), new SessionOptions());
        using IDisposable ending = kernel.EndAtDispose();
        session.Start();
        session.WaitForEnd();
        OperationCount[] counts = session.Counts();
        OperationCount links = counts[OperationTable.SlotOf(Opcode.ReadLink)];
        Assert.Equal((10, 10), (links.Requests, links.Errors));
        Assert.Equal(10, ((ReadOnlySpan<long>)links.Histogram).ToArray().Sum());
        Assert.Equal(1, counts[OperationTable.SlotOf((Opcode)3000)].Requests);
        Assert.Equal(1, counts[OperationTable.SlotOf(Opcode.Init)].Requests);
    }

    private static Errno Refuse(in InHeader header, ref RequestReader body, ref ReplyWriter reply)
        => Errno.NotImplemented;

    private static void Run(FakeKernel kernel, ScriptedHandler handler)
    {
        using var session = new FuseSession(kernel, handler, new SessionOptions());
        using IDisposable ending = kernel.EndAtDispose();
        session.Start();
        Assert.True(session.WaitForEnd(_patience));
    }

    private static byte[] Single(FakeKernel kernel, ulong unique) => Assert.Single(kernel.Replies[unique]);
}
