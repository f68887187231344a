using System.Collections.Concurrent;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

/// <summary>An in-memory tree that answers everything at once and keeps no data: what a mount costs when the file
/// system behind it costs nothing.</summary>
/// <remarks>A directory's gate guards its names; where two are taken the one with the smaller number comes first. A
/// node's own gate guards its attributes and is taken after a directory's.</remarks>
internal sealed partial class NullFileSystem : IRequestHandler, IDisposable
{
    /// <summary>As a file system that owns its data, but without ACLs and extended attributes.</summary>
    public const InitFlags Wanted = CapabilityRequest.OwnedData & ~InitFlags.PosixAcl;

    private const ulong RootId = 1;
    private const ulong Forever = uint.MaxValue;
    private const int LongestName = 255;

    private readonly ConcurrentDictionary<ulong, NullNode> _nodes = new();
    private readonly NullNode _root = new(RootId, 0x41FF);
    private readonly NullReader _reader;
    private readonly bool _isReadOnly;
    private readonly IFileSpace? _space;
    private long _lastId = (long)RootId;

    public NullFileSystem(NullOptions options, IFileSpace? space = null)
    {
        _space = space;
        if (space is not null)
        {
            const uint ownersDirectory = 0x41ED;
            _root.Attributes.Flags = NodeAttributes.ExclusiveFlag;
            _root.Attributes.Mode = ownersDirectory;
        }
        _reader = new NullReader(options);
        _isReadOnly = options.IsReadOnly;
        _nodes[RootId] = _root;
        _root.Parent = _root;
        for (int d = 0; d < options.Directories; d++)
        {
            NullNode directory = NewNode(0x41ED);
            directory.Parent = _root;
            Insert(_root, System.Text.Encoding.ASCII.GetBytes($"d{d}"), directory);
            for (int f = 0; f < options.FilesPerDirectory; f++)
            {
                NullNode file = NewNode(0x81A4);
                file.Attributes.Size = options.FileBytes;
                file.Attributes.Blocks512 = (options.FileBytes + 511) / 512;
                Insert(directory, System.Text.Encoding.ASCII.GetBytes($"f{f}"), file);
            }
        }
    }

    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers)
    {
    }

    public void Disconnected()
    {
    }

    public void Dispose() => _reader.Dispose();

    /// <summary>The node of that number, if it is still known.</summary>
    public NullNode? Find(ulong id) => _nodes.GetValueOrDefault(id);

    /// <summary>For a new mount, whose kernel knows nothing yet.</summary>
    public void ForgetKernel()
    {
        foreach (NullNode node in _nodes.Values)
        {
            node.Uploads = null;
            Forget(node.Id, (ulong)node.Lookups);
        }
    }

    public Errno Failed(in InHeader header, Exception exception)
    {
        Console.Error.WriteLine($"{header.Opcode}: {exception}");
        return Errno.InputOutput;
    }

    public void Forget(ulong nodeId, ulong lookups)
    {
        if (_nodes.TryGetValue(nodeId, out NullNode? node) && node.RemoveLookups(lookups) <= 0)
        {
            bool isGone;
            lock (node.Gate)
            {
                isGone = node.Attributes.Links == 0 && _nodes.TryRemove(nodeId, out _);
            }
            if (isGone)
            {
                _space?.Remove(node);
            }
        }
    }

    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!_nodes.TryGetValue(header.NodeId, out NullNode? node))
        {
            return header.Opcode is Opcode.Destroy or Opcode.SyncFs ? Errno.Ok : Errno.Stale;
        }
        return header.Opcode switch
        {
            Opcode.Lookup => Lookup(node, ref body, ref reply),
            Opcode.GetAttributes => GetAttributes(node, ref reply),
            Opcode.SetAttributes => SetAttributes(node, ref body, ref reply),
            Opcode.Read => _reader.Read(node, ref body, ref reply),
            Opcode.Write => Write(node, ref body, ref reply),
            Opcode.Create => Create(in header, node, ref body, ref reply),
            Opcode.MakeNode => MakeNode(in header, node, ref body, ref reply),
            Opcode.MakeDirectory => MakeDirectory(in header, node, ref body, ref reply),
            Opcode.SymbolicLink => MakeSymbolicLink(in header, node, ref body, ref reply),
            Opcode.Link => Link(node, ref body, ref reply),
            Opcode.ReadLink => ReadLink(node, ref reply),
            Opcode.Unlink => Remove(node, ref body, isDirectory: false),
            Opcode.RemoveDirectory => Remove(node, ref body, isDirectory: true),
            Opcode.Rename or Opcode.Rename2 => Rename(header.Opcode, node, ref body),
            Opcode.ReadDirectory => List(node, ref body, ref reply, isPlus: false),
            Opcode.ReadDirectoryPlus => List(node, ref body, ref reply, isPlus: true),
            Opcode.Open when _isReadOnly => Errno.NotImplemented,
            Opcode.Open => Open(node, ref body, ref reply),
            Opcode.StatFs => StatFs(ref reply),
            Opcode.Fallocate when _space is not null => Allocate(_space, node, ref body),
            Opcode.Release or Opcode.Fsync or Opcode.FsyncDirectory or Opcode.Fallocate or Opcode.SyncFs
                or Opcode.Destroy => Errno.Ok,
            _ => Errno.NotImplemented,
        };
    }

    private NullNode NewNode(uint mode, byte[]? target = null)
    {
        var node = new NullNode((ulong)Interlocked.Increment(ref _lastId), mode) { Target = target };
        if (_space is not null)
        {
            node.Attributes.Flags = node.IsFile ? NodeAttributes.IomapFlag : NodeAttributes.ExclusiveFlag;
        }
        _nodes[node.Id] = node;
        return node;
    }

    private static void Insert(NullNode directory, ReadOnlySpan<byte> name, NullNode node)
    {
        directory.Entries!.Set(name, node);
        if (node.IsDirectory)
        {
            directory.Attributes.Links++;
        }
    }

    private static Errno TakeName(ref RequestReader body, out ReadOnlySpan<byte> name)
        => !body.TryTakeName(out name) ? Errno.Invalid : name.Length > LongestName ? Errno.NameTooLong : Errno.Ok;

    private static void Fill(ref EntryOut entry, NullNode node)
    {
        node.AddLookup();
        entry.NodeId = node.Id;
        entry.Generation = 1;
        entry.EntryValid = Forever;
        entry.AttributesValid = Forever;
        lock (node.Gate)
        {
            entry.Attributes = node.Attributes;
        }
    }

    private static Errno Lookup(NullNode directory, ref RequestReader body, ref ReplyWriter reply)
    {
        Errno error = TakeName(ref body, out ReadOnlySpan<byte> name);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (directory.Entries is null)
        {
            return Errno.NotDirectory;
        }
        ref EntryOut entry = ref reply.Append<EntryOut>();
        entry.EntryValid = Forever;
        lock (directory.Gate)
        {
            if (directory.Entries.Find(name) is NullNode node)
            {
                Fill(ref entry, node);
            }
        }
        return Errno.Ok;
    }

    private static Errno GetAttributes(NullNode node, ref ReplyWriter reply)
    {
        ref AttributesOut answer = ref reply.Append<AttributesOut>();
        answer.Valid = Forever;
        lock (node.Gate)
        {
            answer.Attributes = node.Attributes;
        }
        return Errno.Ok;
    }

    private static Errno Allocate(IFileSpace space, NullNode node, ref RequestReader body)
        => body.TryTake(out FallocateIn request) ? space.Allocate(node, in request) : Errno.Invalid;

    private Errno StatFs(ref ReplyWriter reply)
    {
        ref StatFsOut answer = ref reply.Append<StatFsOut>();
        answer.Blocks = answer.BlocksFree = answer.BlocksAvailable = 1UL << 30;
        answer.Files = answer.FilesFree = 1UL << 30;
        answer.BlockSize = answer.FragmentSize = 4096;
        answer.NameLength = LongestName;
        _space?.Describe(ref answer);
        return Errno.Ok;
    }

    private static Errno ReadLink(NullNode node, ref ReplyWriter reply)
    {
        if (node.Target is null)
        {
            return Errno.Invalid;
        }
        reply.Append(node.Target);
        return Errno.Ok;
    }

    private Errno List(NullNode directory, ref RequestReader body, ref ReplyWriter reply, bool isPlus)
    {
        if (directory.Entries is null)
        {
            return Errno.NotDirectory;
        }
        if (!body.TryTake(out ReadIn request))
        {
            return Errno.Invalid;
        }
        var list = new DirectoryListWriter(ref reply, request.Size);
        lock (directory.Gate)
        {
            bool fits = (request.Offset > 0 || Add(ref list, directory, "."u8, 0, isPlus))
                && (request.Offset > 1 || Add(ref list, directory.Parent ?? _root, ".."u8, 1, isPlus));
            ulong places = (ulong)directory.Entries.Places + 2;
            for (ulong cookie = Math.Max(request.Offset, 2); fits && cookie < places; cookie++)
            {
                (byte[] name, NullNode? node) = directory.Entries.At((int)cookie - 2);
                fits = node is null || Add(ref list, node, name, cookie, isPlus);
            }
        }
        return Errno.Ok;
    }

    private static bool Add(
        ref DirectoryListWriter list, NullNode node, ReadOnlySpan<byte> name, ulong cookie, bool isPlus)
    {
        if (!isPlus)
        {
            return list.TryAdd(node.Id, node.Type, name, cookie + 1);
        }
        if (!list.HasRoomPlus(name.Length))
        {
            return false;
        }
        EntryOut entry = default;
        if (cookie > 1)
        {
            Fill(ref entry, node);
        }
        return list.TryAddPlus(in entry, node.Id, node.Type, name, cookie + 1);
    }
}
