using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>A new inode: prepared before a handle, made in it. Its number is known to nobody before its name
/// is.</summary>
internal sealed class NodeBirth : IDisposable
{
    private readonly NameServices _services;
    private readonly InodeReservation _reservation;
    private readonly InodeReference _reference;
    private BlockAddition? _block;
    private XattrEdit? _attributes;
    private InodeNumber _parent;
    private bool _isApplied;
    private bool _isInline;

    /// <summary>Takes over a reservation.</summary>
    public NodeBirth(NameServices services, InodeReservation reservation)
    {
        _services = services;
        _reservation = reservation;
        _reference = services.Inodes.Create(reservation.Number, reservation.Generation);
    }

    /// <summary>The new inode. Without links until <see cref="Apply"/>.</summary>
    public Inode Inode => _reference.Inode;

    /// <summary>Blocks that <see cref="Apply"/> adds to a transaction.</summary>
    public int Credits => InodeAllocator.CommitCredits + _services.Inodes.StoreCredits
        + (_block is null ? 0 : _block.Credits + 1)
        + (_attributes is null ? 0 : _services.AttributeWriter.Credits(_attributes));

    /// <summary>Reserves what the inode needs beside its number; its own fields are set already.</summary>
    /// <param name="parent">Its directory.</param>
    /// <param name="node">What it is.</param>
    /// <param name="access">Its ACL, or null.</param>
    /// <param name="inherited">The ACL it passes on, or null.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <returns>Ok, or NoSpace.</returns>
    public Errno Prepare(
        Inode parent, NewNode node, AccessControlList? access, AccessControlList? inherited, SpaceClaim claim)
    {
        _parent = parent.Number;
        bool mayBeInline = _services.Context.Geometry.Has(IncompatFeatures.InlineData)
            && Inode.ExtraSizeBytes > 0 && node.Kind is FileKind.Regular or FileKind.Directory;
        Errno error = Errno.Ok;
        if (access is not null || inherited is not null || (mayBeInline && node.IsDirectory))
        {
            error = PrepareAttributes(access, inherited, claim);
        }
        if (error != Errno.Ok)
        {
            return error;
        }
        _isInline = mayBeInline && node.IsDirectory && _attributes!.TrySetInTail(XattrName.InlineData, default);
        Inode.MayBeInline = mayBeInline && !node.IsDirectory;
        return _isInline ? Errno.Ok : PrepareContents(node, claim);
    }

    private Errno PrepareAttributes(AccessControlList? access, AccessControlList? inherited, SpaceClaim claim)
    {
        Errno error = Errno.Ok;
        _attributes = _services.AttributeWriter.Begin(Inode);
        if (inherited is not null)
        {
            error = _attributes.Set(XattrName.AclDefault, inherited.ToDisk());
        }
        if (error == Errno.Ok && access is not null)
        {
            error = _attributes.Set(XattrName.AclAccess, access.ToDisk());
        }
        return error == Errno.Ok ? _services.AttributeWriter.Reserve(_attributes, claim) : error;
    }

    /// <summary>Makes the inode.</summary>
    /// <param name="handle">Has the credits.</param>
    /// <param name="target">What a symlink contains.</param>
    /// <param name="linkCount">0 for a file without name.</param>
    public void Apply(Handle handle, ReadOnlySpan<byte> target, ushort linkCount)
    {
        _services.Space.Inodes.Commit(handle, _reservation);
        _isApplied = true;
        Inode.LinkCount = linkCount;
        if (_isInline)
        {
            InlineDirectoryEditor.Initialize(Inode, _parent);
        }
        if (_block is not null)
        {
            _block.Apply(handle);
            FillBlock(handle, _block.Block, target);
        }
        _services.Inodes.Store(handle, Inode);
        if (_attributes is not null)
        {
            _services.AttributeWriter.Apply(handle, _attributes);
            _services.Inodes.Store(handle, Inode);
        }
    }

    /// <summary>Ends it, applied or not.</summary>
    public void Dispose()
    {
        _block?.Dispose();
        if (_attributes is not null)
        {
            _services.AttributeWriter.Finish(_attributes);
        }
        if (!_isApplied)
        {
            _services.Inodes.Forget(Inode);
            _services.Space.Inodes.Cancel(_reservation);
        }
        _reference.Dispose();
    }

    private Errno PrepareContents(NewNode node, SpaceClaim claim)
    {
        switch (node.Kind)
        {
            case FileKind.Regular:
                _services.Maps.Initialize(Inode);
                return Errno.Ok;
            case FileKind.Symlink when node.Target.Length < BlockArea.SizeBytes:
                node.Target.CopyTo(Inode.BlockAreaBytes);
                Inode.SizeBytes = node.Target.Length;
                return Errno.Ok;
            case FileKind.Directory or FileKind.Symlink:
                _services.Maps.Initialize(Inode);
                _block = new BlockAddition(_services.Maps, _services.Holes, _services.Space.Blocks);
                return _block.Prepare(Inode, 0, default, claim);
            case FileKind.CharacterDevice or FileKind.BlockDevice:
                node.Device.Encode(Inode.BlockAreaBytes);
                return Errno.Ok;
            default:
                return Errno.Ok;
        }
    }

    private void FillBlock(Handle handle, FsBlock block, ReadOnlySpan<byte> target)
    {
        if (Inode.IsDirectory)
        {
            Inode.SizeBytes = _services.Context.Geometry.BlockSizeBytes;
            _services.Editor.Writer.InitializeFirst(handle, Inode, block, _parent);
            return;
        }
        using BlockLease lease = handle.Create(block);
        target.CopyTo(lease.Bytes);
        Inode.SizeBytes = target.Length;
    }
}
