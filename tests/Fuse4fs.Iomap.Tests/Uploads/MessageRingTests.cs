using System.IO.Pipes;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Uring;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Uploads;

/// <summary>Many messages with one system call say the same as one by one.</summary>
public sealed unsafe class MessageRingTests
{
    private const int Messages = 1000;
    private const int MessageBytes = 96;

    [Fact]
    public void Every_message_arrives_whole_at_a_pipe()
    {
        Errno error = MessageRing.TryCreate(out MessageRing? ring);
        Assert.SkipUnless(error == Errno.Ok, $"no io_uring here: {error}");
        using (ring)
        {
            using var output = new AnonymousPipeServerStream(PipeDirection.In);
            byte[] messages = GC.AllocateArray<byte>(Messages * MessageBytes, pinned: true);
            for (int i = 0; i < Messages; i++)
            {
                messages.AsSpan(i * MessageBytes, MessageBytes).Fill((byte)i);
                BitConverter.TryWriteBytes(messages.AsSpan(i * MessageBytes), i);
            }
            byte[] arrived = new byte[messages.Length];
            var reader = new Thread(() => output.ReadExactly(arrived));
            reader.Start();
            Errno[] results = new Errno[Messages];
            using var pipe = new FileDescriptor((int)output.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
            Assert.True(ring!.Write(pipe, (byte*)Unsafe.AsPointer(ref messages[0]), MessageBytes, results));
            Assert.True(reader.Join(TimeSpan.FromSeconds(100)), "what was written did not arrive");
            Assert.All(results, result => Assert.Equal(Errno.Ok, result));
            Assert.Equal(Split(messages), Split(arrived));
        }
    }

    /// <summary>The kernel here knows no mappings, but other notifications: some it has something for, some not, some are
    /// wrong.</summary>
    [Fact]
    public void Results_are_those_of_single_writes()
    {
        Assert.SkipUnless(LibC.GetEffectiveUid() == 0, "mounting in this process needs root");
        Assert.SkipUnless(File.Exists(FuseDevice.Path), $"no {FuseDevice.Path}");
        string point = Directory.CreateTempSubdirectory("fuse4fs-test-").FullName;
        FuseMount? mount = null;
        try
        {
            mount = FuseMount.Mount(point, new MountOptions { Subtype = "test" });
            using var session = new FuseSession(mount.Device, new HelloFileSystem(), new SessionOptions());
            session.Start();
            _ = Directory.GetFiles(point);
            _ = File.ReadAllText(Path.Combine(point, "hello.txt"));
            Errno[] together = new Errno[300];
            Errno[] single = new Errno[together.Length];
            byte[] messages = Invalidations(together.Length, out int bytes);
            fixed (byte* first = messages)
            {
                mount.Device.WriteMessages(first, bytes, together);
                for (int i = 0; i < single.Length; i++)
                {
                    single[i] = mount.Device.Write(messages.AsSpan(i * bytes, bytes));
                }
            }
            Assert.Equal(single, together);
            Assert.Equal([Errno.Ok, Errno.NoEntry, Errno.Invalid], together[..3]);
            Assert.Equal(Errno.Ok, mount.Unmount(lazily: false));
            session.WaitForEnd();
        }
        finally
        {
            _ = mount?.Unmount(lazily: true);
            Directory.Delete(point);
        }
    }

    private static byte[] Invalidations(int count, out int bytes)
    {
        bytes = Unsafe.SizeOf<OutHeader>() + Unsafe.SizeOf<NotifyInvalidateInode>();
        byte[] messages = new byte[count * bytes];
        for (int i = 0; i < count; i++)
        {
            Span<byte> message = messages.AsSpan(i * bytes, bytes);
            NotifyCode code = i % 3 == 2 ? NotifyCode.UpsertMappings : NotifyCode.InvalidateInode;
            MemoryMarshal.Write(message, new OutHeader { Length = (uint)bytes, Error = (int)code });
            MemoryMarshal.Write(
                message[Unsafe.SizeOf<OutHeader>()..],
                new NotifyInvalidateInode { NodeId = i % 3 == 0 ? 1ul : 12345, Offset = -1 });
        }
        return messages;
    }

    private static List<string> Split(byte[] messages)
        => [.. Enumerable.Range(0, Messages)
            .Select(i => Convert.ToHexString(messages, i * MessageBytes, MessageBytes)).Order()];
}
