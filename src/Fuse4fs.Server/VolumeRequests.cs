using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Handlers;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server;

/// <summary>Takes each request to its handler, and each failure to its answer.</summary>
internal sealed class VolumeRequests(ServedVolume server) : IRequestHandler
{
    /// <inheritdoc/>
    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers)
    {
        server.Capabilities = capabilities;
        server.Notifier = notifier;
    }

    /// <inheritdoc/>
    public void Disconnected() => server.Nodes.Clear();

    /// <inheritdoc/>
    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply) =>
        server.Requests.IsClosed ? Errno.InputOutput : Route(in header, ref body, ref reply);

    /// <inheritdoc/>
    public void Enter(int worker) => server.Requests.Enter();

    /// <inheritdoc/>
    public void Leave(int worker) => server.Requests.Leave();

    private Errno Route(in InHeader header, ref RequestReader body, ref ReplyWriter reply) => header.Opcode switch
    {
        Opcode.Lookup => LookupHandler.Handle(server, in header, ref body, ref reply),
        Opcode.GetAttributes => GetAttributesHandler.Handle(server, in header, ref reply),
        Opcode.Statx => StatxHandler.Handle(server, in header, ref reply),
        Opcode.ReadLink => ReadLinkHandler.Handle(server, in header, ref reply),
        Opcode.Open => OpenHandler.Handle(server, in header, ref body, ref reply),
        Opcode.OpenDirectory => OpenHandler.HandleDirectory(server, ref reply),
        Opcode.Release or Opcode.ReleaseDirectory => Errno.Ok,
        Opcode.Read => ReadHandler.Handle(server, in header, ref body, ref reply),
        Opcode.ReadDirectory => ReadDirectoryHandler.Handle(server, in header, ref body, ref reply),
        Opcode.ReadDirectoryPlus => ReadDirectoryPlusHandler.Handle(server, in header, ref body, ref reply),
        Opcode.StatFs => StatFsHandler.Handle(server, ref reply),
        Opcode.Access => AccessHandler.Handle(server, in header, ref body),
        Opcode.GetXattr => GetXattrHandler.Handle(server, in header, ref body, ref reply),
        Opcode.ListXattr => ListXattrHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Seek => SeekHandler.Handle(server, in header, ref body, ref reply),
        Opcode.Bmap => BmapHandler.Handle(server, in header, ref body, ref reply),
        Opcode.IoControl => IoControlHandler.Handle(server, in header, ref body, ref reply),
        Opcode.SyncFs or Opcode.Destroy => Errno.Ok,
        _ => IsChange(header.Opcode) ? Errno.ReadOnly : Errno.NotImplemented,
    };

    /// <inheritdoc/>
    public void Forget(ulong nodeId, ulong lookups)
    {
        if (NodeIds.TryInode(server, nodeId, out InodeNumber inode) && inode != InodeNumber.Root)
        {
            server.Nodes.Forget(inode.Value, lookups);
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
                return Errno.Corrupted;
        }
    }

    private static bool IsChange(Opcode opcode) => opcode is Opcode.SetAttributes or Opcode.SymbolicLink
        or Opcode.MakeNode or Opcode.MakeDirectory or Opcode.Unlink or Opcode.RemoveDirectory or Opcode.Rename
        or Opcode.Rename2 or Opcode.Link or Opcode.Write or Opcode.SetXattr or Opcode.RemoveXattr or Opcode.Create
        or Opcode.Fallocate or Opcode.CopyFileRange or Opcode.CopyFileRange64 or Opcode.TemporaryFile;
}
