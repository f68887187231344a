using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Xunit;

namespace Fuse4fs.Fuse.Tests.Session;

/// <summary>Whatever comes in: no crash, and every request that can be named gets one well-formed answer.</summary>
public sealed class MalformedRequestTests
{
    private const int Messages = 150_000;
    private const int Batch = 5_000;

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);
    private static readonly int _headerBytes = Unsafe.SizeOf<InHeader>();

    [Fact]
    public void A_tree_survives_random_and_structured_requests()
    {
        var content = new NullOptions { Directories = 3, FilesPerDirectory = 5, FileBytes = 1 << 20 };
        using var tree = new NullFileSystem(content);
        Fuzz(tree, Seed());
    }

    [Fact]
    public void A_handler_that_throws_anything_survives_too()
    {
        int seed = Seed();
        var handler = new ScriptedHandler((in InHeader header, ref RequestReader body, ref ReplyWriter reply) =>
            (header.Unique % 7) switch
            {
                0 => throw new InvalidOperationException("a bug"),
                1 => throw new IOException("a device"),
                2 => Fill(ref reply, body.Rest.Length),
                3 => (Errno)(header.Unique % 500),
                _ => body.TryTakeName(out _) && body.TryGetSupplementaryGroup(out _) ? Errno.Ok : Errno.Invalid,
            });
        Fuzz(handler, seed);
    }

    private static int Seed()
        => int.TryParse(Environment.GetEnvironmentVariable("FUSE4FS_SEED"), out int seed) ? seed : Random.Shared.Next();

    private static Errno Fill(ref ReplyWriter reply, int length)
    {
        reply.Append(new byte[length * 20]); // May be more than there is room for: that is a handler's bug.
        return Errno.Ok;
    }

    private static void Fuzz(IRequestHandler handler, int seed)
    {
        TestContext.Current.SendDiagnosticMessage($"FUSE4FS_SEED={seed}");
        var random = new Random(seed);
        var kernel = new FakeKernel();
        kernel.Enqueue(FakeKernel.Init((InitFlags)0x7FF_7FFF_FFFF));
        using var session = new FuseSession(kernel, handler, new SessionOptions());
        using IDisposable ending = kernel.EndAtDispose();
        session.Start();
        var waited = new HashSet<ulong>();
        ulong unique = 2;
        while (unique < Messages)
        {
            waited.Clear();
            for (int i = 0; i < Batch; i++)
            {
                byte[] request = Make(random, unique);
                if (HasReply(request))
                {
                    waited.Add(unique);
                }
                kernel.Enqueue(request);
                unique++;
            }
            Assert.True(SpinWait.SpinUntil(() => kernel.Replies.Count >= waited.Count + 1, _patience),
                $"seed {seed}: only {kernel.Replies.Count - 1} of {waited.Count} requests were answered");
            foreach (ulong one in waited)
            {
                Assert.True(kernel.Replies.TryRemove(one, out var answers), $"seed {seed}: {one} has no answer");
                Assert.True(answers!.Count == 1, $"seed {seed}: {one} has {answers.Count} answers");
            }
        }
        kernel.End();
        Assert.True(session.WaitForEnd(_patience), $"seed {seed}: the session does not end");
        Assert.Single(kernel.Replies); // INIT's; nothing was answered that must not be.
        Assert.Empty(kernel.Refused);
    }

    private static bool HasReply(byte[] request)
        => request.Length >= _headerBytes && MemoryMarshal.Read<InHeader>(request).Opcode
            is not (Opcode.Forget or Opcode.BatchForget or Opcode.Interrupt or Opcode.NotifyReply);

    private static byte[] Make(Random random, ulong unique)
    {
        byte[] body = random.Next(3) switch
        {
            0 => Noise(random, random.Next(200)),
            1 => Structured(random, random.Next(60)),
            _ => Noise(random, random.Next(20) == 0 ? 70_000 : random.Next(60)),
        };
        byte[] request = FakeKernel.Request(AnyOpcode(random), unique, (ulong)random.Next(30), body);
        ref InHeader header = ref MemoryMarshal.AsRef<InHeader>(request.AsSpan());
        header.ExtensionLength8 = random.Next(8) == 0 ? (ushort)random.Next(40) : (ushort)0;
        switch (random.Next(20))
        {
            case 0:
                header.Length = (uint)random.Next();
                break;
            case 1:
                return request[..random.Next(request.Length + 1)];
            case 2:
                header.NodeId = (ulong)random.NextInt64();
                break;
            case 3:
                header.ExtensionLength8 = ushort.MaxValue;
                break;
        }
        return request;
    }

    private static Opcode AnyOpcode(Random random) => (Opcode)(random.Next(10) switch
    {
        0 => (uint)random.Next(),
        1 => (uint)random.Next(4080, 4110),
        _ => (uint)random.Next(60),
    });

    /// <summary>Small numbers and one or two names: what gets past the first checks.</summary>
    private static byte[] Structured(Random random, int fieldsBytes)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < fieldsBytes / 8; i++)
        {
            ulong value = random.Next(6) switch
            {
                0 => 0,
                1 => (ulong)random.Next(5000),
                2 => 1UL << random.Next(64),
                3 => ulong.MaxValue - (ulong)random.Next(10),
                4 => (ulong)random.NextInt64(),
                _ => (ulong)random.Next(30),
            };
            bytes.AddRange(FakeKernel.Bytes(in value));
        }
        for (int i = random.Next(3); i > 0; i--)
        {
            int length = random.Next(10) == 0 ? random.Next(1100) : random.Next(4);
            bytes.AddRange(Enumerable.Repeat((byte)random.Next('a', 'e'), length));
            bytes.Add(0);
        }
        return [.. bytes];
    }

    private static byte[] Noise(Random random, int length)
    {
        byte[] noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }
}
