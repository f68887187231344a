using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Inodes;

/// <summary>The kernel's inode cache: which node ids it holds, how often it was given each, and giving them back.
/// </summary>
internal sealed class InodeTable(TwinKernel kernel)
{
    private readonly Dictionary<ulong, Inode> _inodes = [];

    public IReadOnlyCollection<Inode> All => _inodes.Values;

    public Inode Root
    {
        get
        {
            if (!_inodes.TryGetValue(kernel.Options.RootNodeId, out Inode? root))
            {
                root = new Inode(kernel.Options.RootNodeId, new PageCache(kernel.Config.BlockSize))
                {
                    Mode = Inode.TypeDirectory | 0x1ED,
                    Lookups = 1,
                };
                _inodes.Add(root.NodeId, root);
            }
            return root;
        }
    }

    public Inode? Find(ulong nodeId) => nodeId == kernel.Options.RootNodeId ? Root : _inodes.GetValueOrDefault(nodeId);

    /// <summary>Takes the entry of a reply: a new inode, or one more lookup of a known one.</summary>
    public (Errno Error, Inode? Inode) Instantiate(in AttributeWire.EntryOut entry)
    {
        if (entry.NodeId == 0 || entry.NodeId == kernel.Options.RootNodeId)
        {
            return (Errno.EIO, null);
        }
        if (_inodes.TryGetValue(entry.NodeId, out Inode? known))
        {
            bool isSame = known.Generation == entry.Generation
                && (known.Mode & Inode.TypeMask) == (entry.Attr.Mode & Inode.TypeMask) && known.AttrIno == entry.Attr.Ino;
            if (!isSame)
            {
                kernel.Rules.Report(RuleBook.NodeReuse, $"node {entry.NodeId} has become another file");
                return (Errno.EIO, null);
            }
            known.Lookups++;
            known.IsUnlinked &= entry.Attr.Nlink == 0;
            kernel.Attributes.Apply(known, entry.Attr, entry.AttrValid, entry.AttrValidNanoseconds, raisesDiskSize: true);
            return (Errno.Ok, known);
        }
        Inode inode = Create(entry);
        _inodes.Add(inode.NodeId, inode);
        return (Errno.Ok, inode);
    }

    /// <summary>Lets go of inodes; their forgets go out together.</summary>
    public void Evict(IReadOnlyCollection<Inode> inodes)
    {
        foreach (Inode inode in inodes)
        {
            _inodes.Remove(inode.NodeId);
            foreach (Inode directory in _inodes.Values.Where(other => other.Children.Count > 0))
            {
                foreach (string name in directory.Children.Where(pair => pair.Value.Target == inode)
                    .Select(pair => pair.Key).ToArray())
                {
                    directory.Children.Remove(name);
                }
            }
        }
        if (inodes.Count == 1)
        {
            Inode only = inodes.First();
            kernel.Connection.Post(Caller.None, Opcode.Forget, only.NodeId,
                WireBytes.Of(new SessionWire.Word { Value = only.Lookups }), "FORGET", hasNoReply: true);
        }
        else if (inodes.Count > 1)
        {
            byte[] body = WireBytes.Of(new SessionWire.BatchForgetIn { Count = (uint)inodes.Count },
                [.. inodes.Select(inode => WireBytes.Of(
                    new SessionWire.ForgetOne { NodeId = inode.NodeId, Lookups = inode.Lookups }))]);
            kernel.Connection.Post(Caller.None, Opcode.BatchForget, 0, body, $"BATCH_FORGET {inodes.Count}", true);
        }
    }

    /// <summary>Memory pressure on inodes, or unmounting: what nobody uses goes, children before their directory.
    /// </summary>
    public void EvictAll()
    {
        while (true)
        {
            Inode[] unused = [.. _inodes.Values.Where(IsUnused)];
            if (unused.Length == 0)
            {
                return;
            }
            Evict(unused);
        }
    }

    /// <summary>After the last close of a file without links.</summary>
    public void EvictIfGone(Inode inode)
    {
        if (inode.IsUnlinked && IsUnused(inode))
        {
            Evict([inode]);
        }
    }

    private bool IsUnused(Inode inode) => inode != Root && inode is { Opens: 0, Maps: 0, Walks: 0, Told.Changing: 0 }
        && !inode.Pages.IsDirty && !inode.TimesAreDirty && inode.Ioends.Count == 0
        && !inode.Children.Values.Any(child => child.Target is not null);

    private Inode Create(in AttributeWire.EntryOut entry)
    {
        AttributeWire.Attr attr = entry.Attr;
        var flags = (AttributeFlags)attr.Flags;
        var inode = new Inode(entry.NodeId, new PageCache(kernel.Config.BlockSize))
        {
            Generation = entry.Generation,
            AttrIno = attr.Ino,
            Flags = flags,
            Mode = attr.Mode,
            Rdev = attr.Rdev,
            Lookups = 1,
            Size = (long)attr.Size,
            DiskSize = (long)attr.Size,
            Atime = new Timestamp(attr.Atime, attr.AtimeNanoseconds),
            Mtime = new Timestamp(attr.Mtime, attr.MtimeNanoseconds),
            Ctime = new Timestamp(attr.Ctime, attr.CtimeNanoseconds),
        };
        bool counts = kernel.Session.IsIomapAccepted && kernel.Session.AttributeFlagsCount;
        inode.IsExclusive = counts && (flags & AttributeFlags.Exclusive) != 0;
        inode.IsIomap = inode.IsExclusive && (flags & AttributeFlags.Iomap) != 0 && inode.IsRegular;
        if (counts && (flags & AttributeFlags.Iomap) != 0 && !inode.IsExclusive)
        {
            kernel.Rules.Report(RuleBook.ExclusiveIomap, $"node {entry.NodeId} has flags {attr.Flags:x}");
        }
        inode.Told.Size = inode.Size;
        inode.Told.Mtime = inode.Mtime;
        inode.Told.Ctime = inode.Ctime;
        inode.Told.Mode = attr.Mode;
        inode.Told.Uid = attr.Uid;
        inode.Told.Gid = attr.Gid;
        kernel.Attributes.Apply(inode, attr, entry.AttrValid, entry.AttrValidNanoseconds, raisesDiskSize: false);
        return inode;
    }
}
