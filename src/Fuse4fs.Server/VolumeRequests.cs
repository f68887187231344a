using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Handlers;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server;

/// <summary>Takes each request to its handler, and each failure to its answer.</summary>
internal sealed class VolumeRequests(ServedVolume server, IomapVolume? iomap = null) : IRequestHandler
{
    /// <summary>The request that this worker handles: for waiting without counting oneself.</summary>
    [ThreadStatic]
    private static RequestEpoch.Slot? t_slot;

    private const uint SuperuserId = 0;

    private RequestEpoch.Slot?[] _slots = [];

    /// <inheritdoc/>
    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers)
    {
        server.Capabilities = capabilities;
        server.Iomap = capabilities.Iomap is null ? null : iomap;
        server.Notifier = notifier;
        _slots = new RequestEpoch.Slot?[maxWorkers];
        for (int i = 0; i < maxWorkers; i++)
        {
            _slots[i] = server.Volume.Epoch?.Register();
        }
    }

    /// <inheritdoc/>
    public void Disconnected()
    {
    }

    /// <inheritdoc/>
    public void Enter(int worker)
    {
        server.Requests.Enter();
        t_slot = _slots[worker];
        t_slot?.Enter();
    }

    /// <inheritdoc/>
    public void Leave(int worker)
    {
        IomapVolume.Leave();
        _slots[worker]?.Leave();
        server.Requests.Leave();
    }

    /// <inheritdoc/>
    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (server.Freezer.IsHolding && server.Freezer.TryHold(in header, in body, ref reply, out Errno error))
        {
            return error;
        }
        if (header.Uid != RequestCaller.Unnamed || !RequestCaller.Matters(header.Opcode))
        {
            return Answer(in header, ref body, ref reply);
        }
        InHeader named = RequestCaller.Named(in header);
        return Answer(in named, ref body, ref reply);
    }

    private Errno Answer(in InHeader header, ref RequestReader body, ref ReplyWriter reply)
    {
        if (server.Requests.IsClosed || server.IsPanicked || (server.IsShutDown && !IsHarmless(header.Opcode)))
        {
            return Errno.InputOutput;
        }
        if (server.IsPrivate && header.Uid != SuperuserId && AsksByRight(header.Opcode))
        {
            return Errno.AccessDenied;
        }
        RequestReader again = body;
        Errno error = Route(in header, ref body, ref reply);
        if (error == Errno.NoSpace && server.Volume.TryReclaimSpace(t_slot))
        {
            // What was freed a moment ago has come back.
            reply.Clear();
            error = Route(in header, ref again, ref reply);
        }
        if (error == Errno.NoSpace && header.Opcode == Opcode.Write)
        {
            TellWriters(header.NodeId);
        }
        bool isDurable = server.Options.SynchronousDirectories && IsChangeOfNames(header.Opcode);
        return error == Errno.Ok && isDurable ? server.Volume.SyncAll() : error;
    }

    /// <inheritdoc/>
    public void Forget(ulong nodeId, ulong lookups)
    {
        if (!server.IsReadOnly && !server.Requests.IsClosed && NodeIds.TryInode(server, nodeId, out InodeNumber inode)
            && inode != InodeNumber.Root)
        {
            server.Written?.Remove(inode);
            server.Volume.Release(inode, lookups);
            ForgetMappings(inode);
        }
    }

    /// <inheritdoc/>
    public void Interrupted(ulong unique) => server.Freezer.Interrupted(unique);

    /// <summary>Waits for what was freed a moment ago; for a request that this thread handles.</summary>
    internal static bool TryReclaimSpace(ServedVolume server) => server.Volume.TryReclaimSpace(t_slot);

    private void ForgetMappings(InodeNumber inode)
    {
        if (server.Iomap is { } mappings && !server.Volume.IsKnownOutside(inode))
        {
            mappings.Forget(inode);
        }
    }

    /// <inheritdoc/>
    public Errno Failed(in InHeader header, Exception exception)
    {
        switch (exception)
        {
            case Ext4CorruptException damage:
                NodeIds.TryInode(server, header.NodeId, out InodeNumber inode);
                server.Volume.Context.Events.Damage(damage, inode);
                return Errno.Corrupted;
            case DeviceException failure:
                server.Volume.Context.Events.DeviceFailed(failure);
                return failure.Error == Errno.NoSpace ? Errno.NoSpace : Errno.InputOutput;
            default:
                ServerLog.HandlerFailed(server.Log, OperationTable.NameOf(header.Opcode), header.NodeId, exception);
                NodeIds.TryInode(server, header.NodeId, out InodeNumber concerned);
                server.Volume.Context.Events.Damage(
                    new Ext4CorruptException(Corruption.Unexpected, OperationTable.NameOf(header.Opcode)), concerned);
                return Errno.Corrupted;
        }
    }

    /// <summary>What dirsync makes durable before it is answered. Data is the kernel's business: it asks for FSYNC.
    /// </summary>
    private static bool IsChangeOfNames(Opcode opcode) => opcode is Opcode.Create or Opcode.MakeNode
        or Opcode.MakeDirectory or Opcode.SymbolicLink or Opcode.Link or Opcode.Unlink or Opcode.RemoveDirectory
        or Opcode.Rename or Opcode.Rename2;

    /// <summary>The kernel asks for the file's attributes before it takes more data; see FullFiles.</summary>
    private void TellWriters(ulong nodeId)
    {
        if (NodeIds.TryInode(server, nodeId, out InodeNumber inode))
        {
            server.Full.Add(inode);
            server.ForgetAttributes(nodeId);
        }
    }

    /// <summary>What still works after a shutdown: looking at what is there, and leaving.</summary>
    private static bool IsHarmless(Opcode opcode) => opcode is Opcode.Lookup or Opcode.GetAttributes or Opcode.Statx
        or Opcode.StatFs or Opcode.ReadLink or Opcode.Release or Opcode.ReleaseDirectory or Opcode.OpenDirectory
        or Opcode.Destroy;

    /// <summary>What a private mount refuses to the superuser while he acts for somebody else: finding, opening and
    /// changing by name. An open file may be used by whoever was given it, and the kernel looks at attributes and sets
    /// times of its own accord.</summary>
    private static bool AsksByRight(Opcode opcode) => IsChangeOfNames(opcode) || opcode is Opcode.Lookup or Opcode.Open
        or Opcode.TemporaryFile or Opcode.ReadLink or Opcode.Access or Opcode.SetXattr or Opcode.RemoveXattr;

    private Errno Route(in InHeader header, ref RequestReader body, ref ReplyWriter reply) => header.Opcode switch
    {
        Opcode.Lookup => LookupHandler.Handle(server, in header, ref body, ref reply),
        Opcode.GetAttributes => GetAttributesHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Statx => StatxHandler.Handle(server, in header, ref reply),
        Opcode.ReadLink => ReadLinkHandler.Handle(server, in header, ref reply),
        Opcode.Open => OpenHandler.Handle(server, in header, ref body, ref reply),
        Opcode.OpenDirectory => OpenHandler.HandleDirectory(server, ref reply),
        Opcode.Release => OpenHandler.HandleRelease(server, ref body),
        Opcode.ReleaseDirectory => Errno.Ok,
        Opcode.Read => ReadHandler.Handle(server, in header, ref body, ref reply),
        Opcode.ReadDirectory => ReadDirectoryHandler.Handle(server, in header, ref body, ref reply),
        Opcode.ReadDirectoryPlus => ReadDirectoryPlusHandler.Handle(server, in header, ref body, ref reply),
        Opcode.StatFs => StatFsHandler.Handle(server, in header, ref reply),
        Opcode.Access => AccessHandler.Handle(server, in header, ref body),
        Opcode.GetXattr => GetXattrHandler.Handle(server, in header, ref body, ref reply),
        Opcode.ListXattr => ListXattrHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Seek => SeekHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Bmap => BmapHandler.Handle(server, in header, ref body, ref reply),
        Opcode.IoControl => IoControlHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Fsync or Opcode.FsyncDirectory => SyncHandler.Handle(server, in header, ref body, ref reply),
        Opcode.SyncFs => SyncHandler.HandleAll(server, in header, ref reply),
        Opcode.Destroy => SyncHandler.HandleDestroy(server, in header, ref reply),
        _ => RouteChange(in header, ref body, ref reply),
    };

    private Errno RouteChange(in InHeader header, ref RequestReader body, ref ReplyWriter reply) => header.Opcode switch
    {
        Opcode.SetAttributes => SetAttributesHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Write => WriteHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Create or Opcode.TemporaryFile => CreateHandler.Handle(server, in header, ref body, ref reply),
        Opcode.MakeNode => MakeNodeHandler.Handle(server, in header, ref body, ref reply),
        Opcode.MakeDirectory => MakeDirectoryHandler.Handle(server, in header, ref body, ref reply),
        Opcode.SymbolicLink => SymlinkHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Link => LinkHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Unlink or Opcode.RemoveDirectory => RemoveHandler.Handle(server, in header, ref body),
        Opcode.Rename or Opcode.Rename2 => RenameHandler.Handle(server, in header, ref body),
        Opcode.Fallocate => FallocateHandler.Handle(server, in header, ref body, ref reply),
        Opcode.CopyFileRange or Opcode.CopyFileRange64 =>
            CopyFileRangeHandler.Handle(server, in header, ref body, ref reply),
        Opcode.SetXattr => SetXattrHandler.Handle(server, in header, ref body),
        Opcode.RemoveXattr => SetXattrHandler.HandleRemove(server, in header, ref body),
        _ => Errno.NotImplemented,
    };
}
