using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>Makes one request from one number and from what the kernel has learnt: of the shape its opcode has, or wild.
/// </summary>
internal static class RequestMaker
{
    private static readonly int s_headerBytes = Unsafe.SizeOf<InHeader>();

    /// <summary>All that have a shape; twice what leads furthest.</summary>
    private static readonly Opcode[] s_opcodes =
    [
        .. Enum.GetValues<Opcode>().Where(opcode => opcode is > Opcode.None and <= Opcode.CopyFileRange64
            and not (Opcode.Init or Opcode.Destroy or Opcode.SetupMapping or Opcode.RemoveMapping)),
        Opcode.Lookup, Opcode.Lookup, Opcode.Create, Opcode.MakeDirectory, Opcode.Write, Opcode.Open, Opcode.IoControl,
        Opcode.SetAttributes, Opcode.SetXattr, Opcode.ReadDirectoryPlus, Opcode.Rename2, Opcode.Fallocate,
    ];

    /// <summary>The request of a number.</summary>
    /// <param name="number">Decides everything that is not learnt.</param>
    /// <param name="unique">To be in the header.</param>
    /// <param name="memory">What is known by now.</param>
    /// <param name="hasReply">Whether an answer must come.</param>
    public static byte[] Make(int number, ulong unique, KernelMemory memory, out bool hasReply)
    {
        var random = new Random(number);
        if (random.Next(6) == 0)
        {
            return WildRequests.Make(random, unique, out hasReply);
        }
        Opcode opcode = s_opcodes[random.Next(s_opcodes.Length)];
        RequestBody? body = new ShapedRequests(memory, random).TryMake(opcode);
        if (body is null)
        {
            return WildRequests.Make(random, unique, out hasReply);
        }
        bool hasGroups = random.Next(8) == 0;
        int lengthBefore = body.ToArray().Length;
        if (hasGroups)
        {
            AddGroups(body, lengthBefore, random);
        }
        byte[] bytes = body.ToArray();
        byte[] request = new byte[s_headerBytes + bytes.Length];
        bool isUser = random.Next(4) == 0;
        var header = new InHeader
        {
            Length = (uint)request.Length,
            Opcode = opcode,
            Unique = unique,
            NodeId = body.Node,
            Uid = isUser ? 1000u : 0,
            Gid = isUser ? 1000u : 0,
            ExtensionLength8 = (ushort)((bytes.Length - lengthBefore) / 8),
        };
        MemoryMarshal.Write(request, in header);
        bytes.CopyTo(request.AsSpan(s_headerBytes));
        hasReply = OperationTable.Find(opcode) is not { HasReply: false };
        return request;
    }

    /// <summary>FUSE_EXT_GROUPS behind all else, from a multiple of 8 on: a structure that is whole, or not.</summary>
    private static void AddGroups(RequestBody body, int length, Random random)
    {
        body.AddBytes(new byte[-length & 7]);
        uint count = (uint)random.Next(4);
        uint claimed = random.Next(6) == 0 ? (uint)random.Next() : count;
        uint size = random.Next(6) == 0 ? (uint)random.Next(64) : 12 + (4 * count);
        body.Add(new ExtensionHeader { Size = size, Type = random.Next(6) == 0 ? 1u : ExtensionHeader.SupplementaryGroups });
        body.AddWord(claimed);
        for (uint i = 0; i < count; i++)
        {
            body.AddWord(1000 + i);
        }
        body.AddBytes(new byte[-(12 + (int)(4 * count)) & 7]);
    }

    /// <summary>For people.</summary>
    public static string Describe(byte[] request)
    {
        InHeader header = MemoryMarshal.Read<InHeader>(request);
        return $"{OperationTable.NameOf(header.Opcode)} on node {header.NodeId} "
            + Convert.ToHexString(request.AsSpan(s_headerBytes)[..Math.Min(96, request.Length - s_headerBytes)]);
    }
}
