using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

/// <summary>The smallest file system worth mounting: one directory, one file, read-only, everything cached for ever.
/// Shows what a handler has to do.</summary>
public sealed class HelloFileSystem : IRequestHandler
{
    private const ulong RootNode = 1;
    private const ulong FileNode = 2;
    private const ulong Forever = uint.MaxValue;

    /// <summary>No READDIRPLUS: a server that asks for it must answer it.</summary>
    public const InitFlags Wanted = CapabilityRequest.Basic | InitFlags.ParallelDirectoryOperations
        | InitFlags.NoOpenSupport | InitFlags.NoOpenDirectorySupport;

    private static ReadOnlySpan<byte> Name => "hello.txt"u8;

    private static ReadOnlySpan<byte> Content => "Hello from a file system of a hundred lines.\n"u8;

    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers)
    {
    }

    public void Disconnected()
    {
    }

    public void Forget(ulong nodeId, ulong lookups)
    {
    }

    public Errno Failed(in InHeader header, Exception exception)
    {
        Console.Error.WriteLine($"{header.Opcode}: {exception}");
        return Errno.InputOutput;
    }

    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply) => header.Opcode switch
    {
        Opcode.Lookup => Lookup(header.NodeId, ref body, ref reply),
        Opcode.GetAttributes => GetAttributes(header.NodeId, ref reply),
        Opcode.ReadDirectory => ReadDirectory(ref body, ref reply, FileNode, Name),
        Opcode.Read => Read(header.NodeId, ref body, ref reply),
        Opcode.StatFs => StatFs(ref reply),
        Opcode.Destroy => Errno.Ok,
        // OPEN and OPENDIR too: the kernel then opens without asking.
        _ => Errno.NotImplemented,
    };

    private static Errno Lookup(ulong directory, ref RequestReader body, ref ReplyWriter reply)
    {
        if (!body.TryTakeName(out ReadOnlySpan<byte> name))
        {
            return Errno.Invalid;
        }
        ref EntryOut entry = ref reply.Append<EntryOut>();
        entry.EntryValid = Forever;
        if (directory == RootNode && name.SequenceEqual(Name))
        {
            entry.NodeId = FileNode;
            entry.AttributesValid = Forever;
            Describe(FileNode, ref entry.Attributes);
        }
        return Errno.Ok; // Node 0: the kernel remembers that there is no such name.
    }

    private static Errno GetAttributes(ulong node, ref ReplyWriter reply)
    {
        ref AttributesOut answer = ref reply.Append<AttributesOut>();
        answer.Valid = Forever;
        Describe(node, ref answer.Attributes);
        return Errno.Ok;
    }

    /// <summary>Lists a root directory with one file.</summary>
    internal static Errno ReadDirectory(ref RequestReader body, ref ReplyWriter reply, ulong file, ReadOnlySpan<byte> name)
    {
        if (!body.TryTake(out ReadIn request))
        {
            return Errno.Invalid;
        }
        const byte directoryType = 4;
        const byte fileType = 8;
        var list = new DirectoryListWriter(ref reply, request.Size);
        _ = (request.Offset > 0 || list.TryAdd(RootNode, directoryType, "."u8, 1))
            && (request.Offset > 1 || list.TryAdd(RootNode, directoryType, ".."u8, 2))
            && (request.Offset > 2 || list.TryAdd(file, fileType, name, 3));
        return Errno.Ok;
    }

    private static Errno Read(ulong node, ref RequestReader body, ref ReplyWriter reply)
    {
        if (node != FileNode || !body.TryTake(out ReadIn request))
        {
            return Errno.Invalid;
        }
        int start = (int)Math.Min(request.Offset, (ulong)Content.Length);
        int length = (int)Math.Min(request.Size, (uint)(Content.Length - start));
        reply.Append(Content.Slice(start, length));
        return Errno.Ok;
    }

    private static Errno StatFs(ref ReplyWriter reply)
    {
        ref StatFsOut answer = ref reply.Append<StatFsOut>();
        answer.BlockSize = answer.FragmentSize = 4096;
        answer.NameLength = 255;
        return Errno.Ok;
    }

    private static void Describe(ulong node, ref NodeAttributes attributes)
    {
        attributes.Inode = node;
        attributes.Mode = node == RootNode ? 0x41EDu : 0x81A4u; // drwxr-xr-x, -rw-r--r--
        attributes.Links = node == RootNode ? 2u : 1u;
        attributes.Size = node == RootNode ? 0 : (ulong)Content.Length;
        attributes.BlockSize = 4096;
    }
}
