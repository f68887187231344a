using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>What a kernel has learnt from the answers so far: nodes, open files, names, places in listings. Requests made
/// of it get past the first check. Bounded; what is learnt depends on the answers alone, so that a chain of numbers gives
/// the same requests again.</summary>
internal sealed class KernelMemory
{
    private const int Most = 200;
    private const uint KindMask = 0xF000;
    private const uint RootMode = 0x41ED;

    private readonly List<KnownNode> _nodes = [new(1, RootMode)];
    private readonly List<KnownName> _names = [];
    private readonly List<KnownFile> _files = [];
    private readonly List<ulong> _cookies = [];

    /// <summary>The node that something was changed about, or asked, last.</summary>
    private ulong _latest = 1;

    /// <summary>Any node; often the latest, so that what is set is asked for again.</summary>
    public KnownNode Node(Random random)
    {
        int at = random.Next(3) == 0 ? _nodes.FindIndex(node => node.Id == _latest) : -1;
        return _nodes[at >= 0 ? at : random.Next(_nodes.Count)];
    }

    /// <summary>A node of a kind, where one is known.</summary>
    public KnownNode Node(Random random, uint kind)
    {
        int from = random.Next(_nodes.Count);
        for (int i = 0; i < _nodes.Count; i++)
        {
            KnownNode node = _nodes[(from + i) % _nodes.Count];
            if ((node.Mode & KindMask) == kind)
            {
                return node;
            }
        }
        return Node(random);
    }

    /// <summary>A name in its directory; null as long as none is known.</summary>
    public KnownName? Name(Random random) => _names.Count == 0 ? null : _names[random.Next(_names.Count)];

    /// <summary>An open file; one that is none as long as there is none.</summary>
    public KnownFile File(Random random) =>
        _files.Count == 0 ? new KnownFile(Node(random).Id, 0, 0) : _files[random.Next(_files.Count)];

    /// <summary>Where a listing may go on.</summary>
    public ulong Cookie(Random random) => _cookies.Count == 0 ? 0 : _cookies[random.Next(_cookies.Count)];

    /// <summary>Learns from an answer without an error.</summary>
    /// <param name="request">Whole.</param>
    /// <param name="answer">What came behind the header, or its first part.</param>
    public void Learn(ReadOnlySpan<byte> request, ReadOnlySpan<byte> answer)
    {
        InHeader header = MemoryMarshal.Read<InHeader>(request);
        ReadOnlySpan<byte> body = request[Unsafe.SizeOf<InHeader>()..];
        _latest = header.NodeId;
        switch (header.Opcode)
        {
            case Opcode.Lookup or Opcode.SymbolicLink:
                LearnEntry(header.NodeId, body, answer);
                break;
            case Opcode.MakeDirectory or Opcode.Link:
                LearnEntry(header.NodeId, body[Unsafe.SizeOf<LinkIn>()..], answer);
                break;
            case Opcode.MakeNode:
                LearnEntry(header.NodeId, body[Unsafe.SizeOf<MakeNodeIn>()..], answer);
                break;
            case Opcode.Create or Opcode.TemporaryFile:
                LearnEntry(header.NodeId, body[Unsafe.SizeOf<CreateIn>()..], answer);
                LearnFile(MemoryMarshal.Read<EntryOut>(answer).NodeId, MemoryMarshal.Read<CreateIn>(body).Flags,
                    answer[Unsafe.SizeOf<EntryOut>()..]);
                break;
            case Opcode.Open:
                LearnFile(header.NodeId, MemoryMarshal.Read<OpenIn>(body).Flags, answer);
                break;
            case Opcode.ReadDirectory:
                LearnListing(header.NodeId, answer, skip: 0);
                break;
            case Opcode.ReadDirectoryPlus:
                LearnListing(header.NodeId, answer, Unsafe.SizeOf<EntryOut>());
                break;
        }
    }

    private void LearnEntry(ulong directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> answer)
    {
        EntryOut entry = MemoryMarshal.Read<EntryOut>(answer);
        int end = name.IndexOf((byte)0);
        if (entry.NodeId != 0 && end >= 0)
        {
            Keep(_nodes, new KnownNode(entry.NodeId, entry.Attributes.Mode));
            _latest = entry.NodeId;
            Keep(_names, new KnownName(directory, Encoding.Latin1.GetString(name[..end])));
        }
    }

    private void LearnFile(ulong node, uint flags, ReadOnlySpan<byte> answer) =>
        Keep(_files, new KnownFile(node, MemoryMarshal.Read<OpenOut>(answer).Handle, flags));

    private void LearnListing(ulong directory, ReadOnlySpan<byte> answer, int skip)
    {
        while (answer.Length >= skip + Unsafe.SizeOf<DirectoryEntry>())
        {
            DirectoryEntry entry = MemoryMarshal.Read<DirectoryEntry>(answer[skip..]);
            int start = skip + Unsafe.SizeOf<DirectoryEntry>();
            int end = start + (int)entry.NameLength;
            if (end > answer.Length)
            {
                return;
            }
            Keep(_names, new KnownName(directory, Encoding.Latin1.GetString(answer[start..end])));
            Keep(_cookies, entry.NextCookie);
            ulong node = skip > 0 ? MemoryMarshal.Read<EntryOut>(answer).NodeId : 0;
            if (node != 0)
            {
                Keep(_nodes, new KnownNode(node, MemoryMarshal.Read<EntryOut>(answer).Attributes.Mode));
            }
            answer = answer[Math.Min(answer.Length, (end + 7) & ~7)..];
        }
    }

    /// <summary>The oldest goes; the root stays.</summary>
    private static void Keep<T>(List<T> list, T item)
    {
        if (list.Contains(item))
        {
            return;
        }
        if (list.Count == Most)
        {
            list.RemoveAt(1);
        }
        list.Add(item);
    }
}
