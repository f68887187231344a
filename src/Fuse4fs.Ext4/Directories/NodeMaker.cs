using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Prepares new inodes: number, owner, rights, ACLs, first block.</summary>
internal sealed class NodeMaker(NameServices services)
{
    private const int UmaskBits = 0x1FF;

    /// <summary>Reserves a new inode and all that belongs to it.</summary>
    /// <param name="parent">Its directory, locked exclusively.</param>
    /// <param name="node">What it is to be.</param>
    /// <param name="caller">Its owner.</param>
    /// <param name="birth">To be disposed in any case, behind the handle, when not null.</param>
    /// <returns>Ok, NoSpace, or QuotaExceeded.</returns>
    /// <exception cref="Ext4CorruptException">The directory's ACL is damaged.</exception>
    public Errno Prepare(Inode parent, NewNode node, in Caller caller, out NodeBirth? birth)
    {
        birth = null;
        ushort mode = node.Mode;
        AccessControlList? access = null;
        AccessControlList? inherited = null;
        if (node.Kind != FileKind.Symlink)
        {
            Errno acl = ApplyDefaultAcl(parent, caller, ref mode, out access, out inherited);
            if (acl != Errno.Ok)
            {
                return acl;
            }
        }
        bool isTop = parent.Number == InodeNumber.Root || parent.Has(InodeFlags.TopDirectory);
        Errno error = services.Space.Inodes.Reserve(
            parent.Number, node.IsDirectory, isTop, out InodeReservation reservation);
        if (error != Errno.Ok)
        {
            return error;
        }
        birth = new NodeBirth(services, reservation);
        InodeFactory.Initialize(birth.Inode, parent, mode, caller, services.GroupOfDirectory, services.Now());
        error = CheckQuota(birth.Inode, services.ClaimOf(caller));
        if (error != Errno.Ok)
        {
            return error;
        }
        return birth.Prepare(parent, node, access, node.IsDirectory ? inherited : null, services.ClaimOf(caller));
    }

    private Errno CheckQuota(Inode inode, SpaceClaim claim)
    {
        if (services.Inodes.Accounts is not { } accounts)
        {
            return Errno.Ok;
        }
        InodeCharge charge = InodeCharge.Of(inode);
        Errno error = accounts.CheckNew(in charge, claim.IsPrivileged());
        return error == Errno.Ok ? accounts.Prepare(in charge) : error;
    }

    /// <summary>The default ACL of a directory decides on the rights of what is created in it; without one the umask
    /// does.</summary>
    private Errno ApplyDefaultAcl(
        Inode directory,
        in Caller caller,
        ref ushort mode,
        out AccessControlList? access,
        out AccessControlList? inherited)
    {
        access = null;
        Errno error = services.AttributeReader.GetAcl(directory, XattrName.AclDefault, out inherited);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (inherited is null)
        {
            mode = (ushort)(mode & ~(caller.Umask & UmaskBits));
            return Errno.Ok;
        }
        AccessControlList derived = inherited.Inherit(ref mode, out bool isNeeded);
        access = isNeeded ? derived : null;
        return Errno.Ok;
    }
}
