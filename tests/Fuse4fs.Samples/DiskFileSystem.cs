using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

/// <summary>The smallest file system with block mappings: one directory, one file, whose bytes are those of a block device.
/// Shows what a handler has to do; no data ever comes here.</summary>
internal sealed class DiskFileSystem(FileDescriptor device, long deviceBytes) : IomapHandler, IRequestHandler
{
    public const InitFlags Wanted = CapabilityRequest.Basic | InitFlags.HandleKillPrivilegesV2 | InitFlags.NoOpenDirectorySupport;

    private const int BlockBytes = 4096;
    private const ulong RootNode = 1;
    private const ulong FileNode = 2;
    private const ulong Forever = uint.MaxValue;

    private Mapping _whole;
    private readonly Lock _gate = new();
    private NodeAttributes _file;
    private FileUploads _uploads = null!;
    private IomapConnection _connection = null!;

    private static ReadOnlySpan<byte> Name => "disk"u8;

    /// <summary>Names the device, and the unit of all mappings.</summary>
    public override Errno Configure(IomapConnection connection, out IomapConfiguration configuration)
    {
        _connection = connection;
        _uploads = new FileUploads(connection, new FileIdentity(FileNode, FileNode));
        configuration = new IomapConfiguration { BlockSizeBytes = BlockBytes, Name = "disk" };
        Errno error = connection.Register(device, deviceBytes, out BackingId id);
        _whole = Mapping.Written(0, deviceBytes / BlockBytes * BlockBytes, id, 0);
        // The flags make it a file of which the kernel moves the data: from the first reply on, and for ever.
        _file = new NodeAttributes
        {
            Inode = FileNode, Mode = 0x8180, Links = 1, Size = (ulong)_whole.Length, BlockSize = BlockBytes,
            Flags = NodeAttributes.IomapFlag,
        };
        return error;
    }

    /// <summary>All of the file is in one piece. Behind its end there is nothing, and no room for anything.</summary>
    public override Errno BeginMapping(in BeginRequest request, ref BeginReply reply)
    {
        bool isInside = request.Offset < _whole.End;
        long limit = _connection.MaxFileBytes / BlockBytes * BlockBytes;
        reply.SetInPlace(isInside ? _whole : Mapping.Hole(_whole.End, limit - _whole.End));
        return isInside || !request.Has(IomapOperation.Write) ? Errno.Ok : Errno.NoSpace;
    }

    /// <summary>Nothing is unwritten and nothing grows: only failures are told.</summary>
    public override Errno CompleteIo(in IoEndRequest request, out long sizeBytes)
    {
        sizeBytes = _whole.Length;
        return Errno.Ok;
    }

    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply) => header.Opcode switch
    {
        Opcode.Lookup => Lookup(header.NodeId, ref body, ref reply),
        Opcode.GetAttributes => Describe(header.NodeId, ref reply),
        Opcode.SetAttributes => SetTimes(header.NodeId, ref body, ref reply),
        Opcode.Open => Open(ref reply),
        Opcode.ReadDirectory => HelloFileSystem.ReadDirectory(ref body, ref reply, FileNode, Name),
        Opcode.Fsync or Opcode.SyncFs => LibC.FDataSync(device) == 0 ? Errno.Ok : LibC.LastError,
        Opcode.Release or Opcode.Destroy => Errno.Ok,
        _ => Errno.NotImplemented,
    };

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

    /// <summary>Tells the kernel where the file is. From then on it asks for nothing.</summary>
    private Errno Open(ref ReplyWriter reply)
    {
        if (_uploads.TryEnter())
        {
            using MappingBatch batch = _connection.RentBatch();
            batch.Start(_uploads.File);
            _ = batch.Add(in _whole);
            _ = _uploads.Send(batch);       // what cannot be told will be asked for
            _uploads.Leave();
        }
        reply.Append<OpenOut>().Flags = OpenReplyFlags.KeepCache;
        return Errno.Ok;
    }

    private Errno Lookup(ulong directory, ref RequestReader body, ref ReplyWriter reply)
    {
        ref EntryOut entry = ref reply.Append<EntryOut>();
        entry.EntryValid = entry.AttributesValid = Forever;
        if (directory == RootNode && body.TryTakeName(out ReadOnlySpan<byte> name) && name.SequenceEqual(Name))
        {
            lock (_gate)
            {
                (entry.NodeId, entry.Attributes) = (FileNode, _file);
            }
        }
        return Errno.Ok;                    // node 0: the kernel remembers that there is no such name
    }

    private Errno Describe(ulong node, ref ReplyWriter reply)
    {
        ref AttributesOut answer = ref reply.Append<AttributesOut>();
        answer.Valid = Forever;
        lock (_gate)
        {
            answer.Attributes = node == FileNode ? _file : new NodeAttributes
            {
                Inode = RootNode, Mode = 0x41ED, Links = 2, BlockSize = BlockBytes, Flags = NodeAttributes.ExclusiveFlag,
            };
        }
        return Errno.Ok;
    }

    /// <summary>Of a file whose data it moves the kernel keeps the times, and tells them from time to time. Nothing else can
    /// be changed here.</summary>
    private Errno SetTimes(ulong node, ref RequestReader body, ref ReplyWriter reply)
    {
        const SetAttributesFlags others = SetAttributesFlags.Size | SetAttributesFlags.Mode | SetAttributesFlags.Uid
            | SetAttributesFlags.Gid;
        if (node != FileNode || !body.TryTake(out SetAttributesIn request) || (request.Valid & others) != 0)
        {
            return Errno.NotPermitted;
        }
        lock (_gate)
        {
            if ((request.Valid & SetAttributesFlags.AccessTime) != 0)
            {
                (_file.AccessTime, _file.AccessTimeNanoseconds) = (request.AccessTime, request.AccessTimeNanoseconds);
            }
            if ((request.Valid & SetAttributesFlags.ModifyTime) != 0)
            {
                (_file.ModifyTime, _file.ModifyTimeNanoseconds) = (request.ModifyTime, request.ModifyTimeNanoseconds);
            }
            (_file.ChangeTime, _file.ChangeTimeNanoseconds) = (request.ChangeTime, request.ChangeTimeNanoseconds);
        }
        return Describe(node, ref reply);
    }
}
