using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>One rename: what was found, what was reserved, what is done. Used once; the directories and both inodes are
/// locked exclusively.</summary>
internal ref struct RenameOperation
{
    private readonly NameServices _services;
    private readonly NodeMaker _maker;
    private readonly RenameRequest _request;
    private readonly Inode _moved;
    private readonly Inode? _target;
    private EntryPlace _oldPlace;
    private readonly EntryPlace _newPlace;
    private EntryPlace _movedParent;
    private EntryPlace _targetParent;
    private InsertPlan _plan;
    private BlockAddition? _growth;
    private NodeBirth? _whiteout;
    private BlockLease _oldBlock;
    private BlockLease _newBlock;
    private BlockLease _movedParentBlock;
    private BlockLease _targetParentBlock;

    /// <summary>Begins with what was found.</summary>
    /// <param name="services">Of the volume.</param>
    /// <param name="maker">For the whiteout.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="moved">What the old name refers to.</param>
    /// <param name="oldPlace">Where the old name is.</param>
    /// <param name="target">What the new name refers to, or null.</param>
    /// <param name="newPlace">Where the new name is.</param>
    public RenameOperation(
        NameServices services,
        NodeMaker maker,
        RenameRequest request,
        Inode moved,
        EntryPlace oldPlace,
        Inode? target,
        EntryPlace newPlace)
    {
        _services = services;
        _maker = maker;
        _request = request;
        _moved = moved;
        _oldPlace = oldPlace;
        _target = target;
        _newPlace = newPlace;
    }

    /// <summary>Refuses to move a directory below itself.</summary>
    public readonly Errno CheckTopology()
    {
        if (_moved.IsDirectory && _request.FromChild == _moved.Number)
        {
            return Errno.Invalid;
        }
        if (_target is not null && _request.ToChild == _target.Number)
        {
            return _request.IsExchange ? Errno.Invalid : Errno.NotEmpty;
        }
        return Errno.Ok;
    }

    /// <summary>Checks what the directories' and inodes' state allows.</summary>
    /// <exception cref="Ext4CorruptException">A directory's ".." does not name its parent.</exception>
    public Errno Check()
    {
        Errno error = CheckKinds();
        if (error != Errno.Ok)
        {
            return error;
        }
        if (IsForeign(_request.To, _moved)
            || (_request.IsExchange && _target is not null && IsForeign(_request.From, _target)))
        {
            return Errno.CrossDevice;
        }
        return CheckLinkCounts();
    }

    /// <summary>Reserves what the rename needs and keeps the blocks it changes in memory.</summary>
    public Errno Prepare(in Caller caller)
    {
        if (_target is null)
        {
            Errno error = _services.Editor.PrepareInsert(
                _request.To, _request.NewName, _services.ClaimOf(caller), ref _plan, out _growth);
            // The steps of the preparation may have moved the old name.
            error = error == Errno.Ok && !_request.IsAcross
                ? _services.Reader.Find(_request.From, _request.OldName, out _oldPlace)
                : error;
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        else
        {
            _newBlock = _services.Editor.Hold(_request.To, _newPlace);
        }
        _oldBlock = _services.Editor.Hold(_request.From, _oldPlace);
        if (_request.IsAcross)
        {
            HoldParents();
        }
        if (!_request.IsWhiteout)
        {
            return Errno.Ok;
        }
        var node = new NewNode((ushort)FileKind.CharacterDevice, default, default);
        return _maker.Prepare(_request.From, node, caller, out _whiteout);
    }

    /// <summary>Blocks that applying adds to a transaction.</summary>
    public int Credits()
    {
        int credits = _services.Editor.ChangeCredits + (2 * _services.Inodes.StoreCredits) + OrphanList.AddCredits + 2;
        credits += _whiteout?.Credits ?? 0;
        return credits + (_target is null
            ? _services.Editor.InsertCredits(ref _plan, _growth)
            : _services.Editor.ChangeCredits);
    }

    /// <summary>Renames.</summary>
    public void Apply(Handle handle)
    {
        Timestamp now = _services.Now();
        _whiteout?.Apply(handle, default, linkCount: 1);
        if (_target is null)
        {
            _services.Editor.Insert(handle, _request.To, ref _plan, _growth, _request.NewName, _moved);
            _oldPlace = _request.IsAcross
                ? _oldPlace
                : _services.Editor.Relocate(_request.From, _oldPlace, _request.OldName, _growth);
        }
        else
        {
            Replace(handle, _request.To, _newPlace, _moved);
        }
        if (_request.IsExchange)
        {
            Replace(handle, _request.From, _oldPlace, _target!);
        }
        else if (_whiteout is not null)
        {
            Replace(handle, _request.From, _oldPlace, _whiteout.Inode);
        }
        else
        {
            _services.Editor.Remove(handle, _request.From, _oldPlace);
        }
        ChangeParents(handle);
        ChangeLinkCounts();
        Store(handle, now);
    }

    /// <summary>Ends it, applied or not.</summary>
    public void Dispose()
    {
        _whiteout?.Dispose();
        _growth?.Dispose();
        _plan.Dispose();
        _oldBlock.Dispose();
        _newBlock.Dispose();
        _movedParentBlock.Dispose();
        _targetParentBlock.Dispose();
    }

    private readonly Errno CheckKinds()
    {
        if (_target is null || _request.IsExchange)
        {
            return Errno.Ok;
        }
        if (_moved.IsDirectory != _target.IsDirectory)
        {
            return _moved.IsDirectory ? Errno.NotDirectory : Errno.IsDirectory;
        }
        return _target.IsDirectory && !_services.Editor.Writer.IsEmpty(_target) ? Errno.NotEmpty : Errno.Ok;
    }

    private readonly Errno CheckLinkCounts()
    {
        if (!_request.IsAcross)
        {
            return Errno.Ok;
        }
        bool toGains = _moved.IsDirectory && !(_target?.IsDirectory ?? false);
        bool fromGains = _request.IsExchange && _target!.IsDirectory && !_moved.IsDirectory;
        bool isFull = (toGains && !_services.Links.HasRoom(_request.To))
            || (fromGains && !_services.Links.HasRoom(_request.From));
        return isFull ? Errno.TooManyLinks : Errno.Ok;
    }

    private static bool IsForeign(Inode directory, Inode inode) =>
        directory.Has(InodeFlags.ProjectInherit) && directory.ProjectId != inode.ProjectId;

    private void HoldParents()
    {
        if (_moved.IsDirectory)
        {
            _movedParent = FindParent(_moved, _request.From);
            _movedParentBlock = _services.Editor.Hold(_moved, _movedParent);
        }
        if (_request.IsExchange && _target!.IsDirectory)
        {
            _targetParent = FindParent(_target, _request.To);
            _targetParentBlock = _services.Editor.Hold(_target, _targetParent);
        }
    }

    private readonly EntryPlace FindParent(Inode directory, Inode expected)
    {
        Errno error = _services.Reader.Find(directory, ".."u8, out EntryPlace place);
        if (error != Errno.Ok || place.Inode != expected.Number)
        {
            Ext4CorruptException.Throw(
                Corruption.DirectoryName, $"directory {directory.Number}: \"..\" is not {expected.Number}");
        }
        return place;
    }

    private readonly void Replace(Handle handle, Inode directory, EntryPlace place, Inode inode) =>
        _services.Editor.Replace(
            handle, directory, place, inode.Number, _services.Editor.Writer.TypeOf(inode.Kind));

    private readonly void ChangeParents(Handle handle)
    {
        if (_request.IsAcross && _moved.IsDirectory)
        {
            Replace(handle, _moved, _movedParent, _request.To);
        }
        if (_request.IsAcross && _request.IsExchange && _target!.IsDirectory)
        {
            Replace(handle, _target, _targetParent, _request.From);
        }
    }

    private readonly void ChangeLinkCounts()
    {
        int moved = _moved.IsDirectory ? 1 : 0;
        int target = _target?.IsDirectory ?? false ? 1 : 0;
        if (!_request.IsAcross)
        {
            // Within one directory only a directory replaced by another is one subdirectory less.
            DirectoryLinks.Change(_request.From, _request.IsExchange ? 0 : -(moved & target));
            return;
        }
        DirectoryLinks.Change(_request.From, _request.IsExchange ? target - moved : -moved);
        DirectoryLinks.Change(_request.To, moved - target);
    }

    private readonly void Store(Handle handle, Timestamp now)
    {
        _moved.ChangeTime = now;
        _services.Inodes.Store(handle, _moved);
        if (_target is not null)
        {
            if (_request.IsExchange)
            {
                _target.ChangeTime = now;
            }
            else
            {
                _services.DropLink(handle, _target, now);
            }
            _services.Inodes.Store(handle, _target);
        }
        NameServices.Touch(_request.From, now);
        _services.Inodes.Store(handle, _request.From);
        if (_request.IsAcross)
        {
            NameServices.Touch(_request.To, now);
            _services.Inodes.Store(handle, _request.To);
        }
    }
}
