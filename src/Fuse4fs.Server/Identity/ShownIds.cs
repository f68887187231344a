using Fuse4fs.Ext4;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Identity;

/// <summary>Owners on their way between the image and the kernel: as they are, by the maps of uidmap= and gidmap=, or all
/// as root with squash_to_root, where a new owner is stored as asked and shown as root like the others. What a caller may
/// do is never decided by mapped ids: the kernel checks with the shown ones.</summary>
internal sealed class ShownIds(ServeOptions options)
{
    private readonly IdMap? _users = options.UserMap;
    private readonly IdMap? _groups = options.GroupMap;
    private readonly bool _isSquashed = options.SquashToRoot;

    /// <summary>Ids are shown as they are.</summary>
    public bool IsIdentity { get; } = options.UserMap is null && options.GroupMap is null && !options.SquashToRoot;

    public uint User(uint image) => _isSquashed ? 0 : _users?.Shown(image) ?? image;

    public uint Group(uint image) => _isSquashed ? 0 : _groups?.Shown(image) ?? image;

    public bool TryImageUser(uint shown, out uint image) => TryImage(_users, shown, out image);

    public bool TryImageGroup(uint shown, out uint image) => TryImage(_groups, shown, out image);

    /// <summary>A new owner and group, where they are given, in the image's ids.</summary>
    /// <returns>Overflow, as the kernel says it, when the image has no such id.</returns>
    public Errno ToImage(ref AttributeChange change)
    {
        if (IsIdentity)
        {
            return Errno.Ok;
        }
        uint user = 0, group = 0;
        if ((change.UserId is uint newUser && !TryImageUser(newUser, out user))
            || (change.GroupId is uint newGroup && !TryImageGroup(newGroup, out group)))
        {
            return Errno.Overflow;
        }
        change = change with
        {
            UserId = change.UserId is null ? null : user,
            GroupId = change.GroupId is null ? null : group,
        };
        return Errno.Ok;
    }

    /// <summary>Who owns what a request creates. What he makes is known to the kernel at once, so it is retained before
    /// anybody can remove it.</summary>
    /// <returns>Overflow when the image has no such owner.</returns>
    public Errno TryOwner(in InHeader header, uint umask, out Caller owner)
    {
        bool hasUser = TryImageUser(header.Uid, out uint user);
        bool hasGroup = TryImageGroup(header.Gid, out uint group);
        owner = new Caller(user, group, (ushort)(umask & 0xfff), Retains: true);
        return hasUser && hasGroup ? Errno.Ok : Errno.Overflow;
    }

    /// <summary>Who asks, for requests that make nobody own anything; without an id in the image, nobody.</summary>
    public Caller Asker(in InHeader header, bool retains = false)
    {
        TryImageUser(header.Uid, out uint user);
        TryImageGroup(header.Gid, out uint group);
        return new Caller(user, group, Retains: retains);
    }

    private static bool TryImage(IdMap? map, uint shown, out uint image)
    {
        if (map is null)
        {
            image = shown;
            return true;
        }
        return map.TryImage(shown, out image);
    }
}
