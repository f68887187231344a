using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>Makes requests that know only how long an opcode's structure is, how many names follow, and numbers that mean
/// something somewhere: what is refused early.</summary>
internal static class WildRequests
{
    private const int MostOpcodes = 56;

    private static readonly int s_headerBytes = Unsafe.SizeOf<InHeader>();

    private static readonly string[] s_names =
        ["a", "b", "c", "d", "file", "dir", "sparse", "link", "many", "lost+found", ".", "..", "new", "user.a", "user.b",
            "trusted.t", "security.capability", "system.posix_acl_access", "system.posix_acl_default", "", "a/b"];

    /// <summary>ioctl commands that the server knows, and one it does not.</summary>
    private static readonly uint[] s_commands =
        [0x80086601, 0x40086602, 0x801c581f, 0x401c5820, 0x80087601, 0x40087602, 0x80086603, 0x81009431, 0x41009432,
            0x8008662c, 0x4008662c, 0x4004662b, 0x40086610, 0xc0c0583b, 0xc0185879, 0x9000f401, 0xf402, 0x12345678];

    /// <summary>Any request.</summary>
    /// <param name="random">Decides everything.</param>
    /// <param name="unique">To be in the header.</param>
    /// <param name="hasReply">Whether an answer must come.</param>
    public static byte[] Make(Random random, ulong unique, out bool hasReply)
    {
        Opcode opcode = AnyOpcode(random);
        Operation? operation = OperationTable.Find(opcode);
        byte[] body = Body(operation, random);
        if (opcode == Opcode.IoControl && body.Length >= 32)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(12), s_commands[random.Next(s_commands.Length)]);
            BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(24), (uint)random.Next(body.Length - 31));
            BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(28), random.Next(2) == 0 ? 4096u : (uint)random.Next(64));
        }
        byte[] request = new byte[s_headerBytes + body.Length];
        var header = new InHeader
        {
            Length = (uint)request.Length,
            Opcode = opcode,
            Unique = unique,
            NodeId = AnyNode(random),
            Uid = random.Next(3) == 0 ? 1000u : 0,
            Gid = random.Next(3) == 0 ? 1000u : 0,
        };
        if (random.Next(64) == 0)
        {
            header.ExtensionLength8 = (ushort)random.Next(8);
        }
        MemoryMarshal.Write(request, in header);
        body.CopyTo(request.AsSpan(s_headerBytes));
        if (random.Next(64) == 0)
        {
            request = request[..random.Next(s_headerBytes, request.Length + 1)];
        }
        hasReply = operation is not { HasReply: false };
        return request;
    }

    private static Opcode AnyOpcode(Random random)
    {
        if (random.Next(100) == 0)
        {
            return (Opcode)random.Next();
        }
        // DESTROY ends the volume's life: what comes behind it is not worth much.
        var opcode = (Opcode)random.Next(1, MostOpcodes);
        return opcode == Opcode.Destroy && random.Next(50) != 0 ? Opcode.Lookup : opcode;
    }

    private static ulong AnyNode(Random random) => random.Next(12) switch
    {
        0 => (ulong)random.NextInt64(),
        1 => (ulong)random.Next(12),
        2 or 3 or 4 => 1,
        _ => 11 + (ulong)random.Next(20),
    };

    private static byte[] Body(Operation? operation, Random random)
    {
        var bytes = new List<byte>();
        int fields = operation?.BodyBytes ?? random.Next(64);
        Span<byte> value = stackalloc byte[8];
        while (bytes.Count < fields)
        {
            int width = random.Next(3) == 0 ? 8 : 4;
            BinaryPrimitives.WriteUInt64LittleEndian(value, AnyValue(random));
            bytes.AddRange(value[..Math.Min(width, fields - bytes.Count)]);
        }
        for (int name = 0; name < (operation?.Names ?? random.Next(2)); name++)
        {
            AddName(bytes, random);
        }
        if (operation is { Opcode: Opcode.Write or Opcode.SetXattr or Opcode.IoControl or Opcode.BatchForget }
            || random.Next(20) == 0)
        {
            byte[] data = new byte[random.Next(4) == 0 ? random.Next(20_000) : random.Next(200)];
            random.NextBytes(data);
            bytes.AddRange(data);
        }
        return [.. bytes];
    }

    private static void AddName(List<byte> bytes, Random random)
    {
        if (random.Next(8) == 0)
        {
            byte[] noise = new byte[random.Next(8) == 0 ? random.Next(1100) : random.Next(260)];
            random.NextBytes(noise);
            bytes.AddRange(noise);
        }
        else
        {
            bytes.AddRange(System.Text.Encoding.ASCII.GetBytes(s_names[random.Next(s_names.Length)]));
        }
        bytes.Add(0);
    }

    private static ulong AnyValue(Random random) => random.Next(12) switch
    {
        0 or 1 => 0,
        2 => 1,
        3 => (ulong)random.Next(64),
        4 => (ulong)random.Next(70_000),
        5 => 1ul << random.Next(64),
        6 => (1ul << random.Next(64)) - 1,
        7 => ulong.MaxValue,
        8 => (ulong)random.NextInt64(),
        9 => (ulong)random.Next(0x1000, 0xF000),
        10 => 11 + (ulong)random.Next(20),
        _ => (ulong)random.Next(1, 5),
    };
}
