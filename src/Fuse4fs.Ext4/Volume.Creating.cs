using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    private const ushort SymlinkMode = (ushort)FileKind.Symlink | 0x1FF;

    /// <summary>Creates a regular file.</summary>
    /// <param name="parent">The directory.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="permissions">Permission bits, set-id and sticky bits.</param>
    /// <param name="caller">Its owner.</param>
    /// <param name="attributes">Of the new file.</param>
    /// <returns>Ok, Exists, NoSpace, NameTooLong, Invalid for an impossible name, NotDirectory, NoEntry for a directory
    /// that was removed, NotPermitted for an immutable one, NoKey for an encrypted one, ReadOnly.</returns>
    /// <exception cref="Ext4CorruptException">The directory is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno Create(
        InodeNumber parent,
        ReadOnlySpan<byte> name,
        ushort permissions,
        in Caller caller,
        out InodeAttributes attributes)
    {
        var node = new NewNode((ushort)((ushort)FileKind.Regular | (permissions & PermissionMask)), default, default);
        return Make(parent, name, node, caller, out attributes);
    }

    /// <summary>Creates a regular file, device node, fifo or socket.</summary>
    /// <param name="parent">The directory.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="mode">Kind and permission bits.</param>
    /// <param name="device">For device nodes.</param>
    /// <param name="caller">Its owner.</param>
    /// <param name="attributes">Of the new inode.</param>
    /// <returns>As <see cref="Create"/>; Invalid also for other kinds and impossible device numbers.</returns>
    /// <exception cref="Ext4CorruptException">The directory is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno MakeNode(
        InodeNumber parent,
        ReadOnlySpan<byte> name,
        ushort mode,
        DeviceNumber device,
        in Caller caller,
        out InodeAttributes attributes)
    {
        attributes = default;
        var kind = (FileKind)(mode & (int)FileKind.Mask);
        bool isPossible = kind is FileKind.Regular or FileKind.Fifo or FileKind.Socket
            || (kind is FileKind.CharacterDevice or FileKind.BlockDevice && device.IsValid);
        return isPossible
            ? Make(parent, name, new NewNode(mode, device, default), caller, out attributes)
            : Errno.Invalid;
    }

    /// <summary>Creates a directory.</summary>
    /// <param name="parent">The directory it will be in.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="permissions">Permission bits and the sticky bit.</param>
    /// <param name="caller">Its owner.</param>
    /// <param name="attributes">Of the new directory.</param>
    /// <returns>As <see cref="Create"/>, and TooManyLinks.</returns>
    /// <exception cref="Ext4CorruptException">The directory is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno MakeDirectory(
        InodeNumber parent,
        ReadOnlySpan<byte> name,
        ushort permissions,
        in Caller caller,
        out InodeAttributes attributes)
    {
        var node = new NewNode((ushort)((ushort)FileKind.Directory | (permissions & PermissionMask)), default, default);
        return Make(parent, name, node, caller, out attributes);
    }

    /// <summary>Creates a symbolic link.</summary>
    /// <param name="parent">The directory it will be in.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="target">What it contains: shorter than a block and than PATH_MAX.</param>
    /// <param name="caller">Its owner.</param>
    /// <param name="attributes">Of the new link.</param>
    /// <returns>As <see cref="Create"/>; NoEntry for an empty target, NameTooLong for a long one.</returns>
    /// <exception cref="Ext4CorruptException">The directory is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno Symlink(
        InodeNumber parent,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> target,
        in Caller caller,
        out InodeAttributes attributes)
    {
        attributes = default;
        if (target.IsEmpty)
        {
            return Errno.NoEntry;
        }
        if (target.Length >= Math.Min(Context.Geometry.BlockSizeBytes, SymlinkReader.MaximumBytes))
        {
            return Errno.NameTooLong;
        }
        return target.Contains((byte)0)
            ? Errno.Invalid
            : Make(parent, name, new NewNode(SymlinkMode, default, target), caller, out attributes);
    }

    private Errno Make(
        InodeNumber parentNumber,
        ReadOnlySpan<byte> name,
        NewNode node,
        in Caller caller,
        out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = OpenForNaming(parentNumber, name, out InodeReference parent);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (parent)
        {
            using (parent.Inode.Lock.Exclusive())
            {
                error = CheckNewName(parent.Inode, name);
                if (error == Errno.Ok && node.IsDirectory && !Naming!.Links.HasRoom(parent.Inode))
                {
                    error = Errno.TooManyLinks;
                }
                if (error == Errno.Ok)
                {
                    error = MakeLocked(parent.Inode, name, node, caller, out attributes);
                }
            }
            return error == Errno.Ok ? SyncDirectory(parent.Inode) : error;
        }
    }

    private Errno MakeLocked(
        Inode parent, ReadOnlySpan<byte> name, NewNode node, in Caller caller, out InodeAttributes attributes)
    {
        attributes = default;
        var plan = default(InsertPlan);
        BlockAddition? growth = null;
        NodeBirth? birth = null;
        try
        {
            DirectoryEditor editor = Naming!.Editor;
            Errno error = editor.PrepareInsert(parent, name, Naming.ClaimOf(caller), ref plan, out growth);
            error = error == Errno.Ok ? Maker!.Prepare(parent, node, caller, out birth) : error;
            Handle handle = null!;
            error = error == Errno.Ok
                ? Journal!.TryStart(editor.InsertCredits(ref plan, growth) + birth!.Credits, out handle)
                : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                birth!.Apply(handle, node.Target, linkCount: (ushort)(node.IsDirectory ? 2 : 1));
                editor.Insert(handle, parent, ref plan, growth, name, birth.Inode);
                DirectoryLinks.Change(parent, node.IsDirectory ? 1 : 0);
                NameServices.Touch(parent, birth.Inode.ChangeTime);
                Inodes.Store(handle, parent);
                handle.Complete();
            }
            if (caller.Retains)
            {
                Retain(birth.Inode.Number);
            }
            attributes = AttributesOf(birth.Inode);
            return Errno.Ok;
        }
        finally
        {
            birth?.Dispose();
            growth?.Dispose();
            plan.Dispose();
        }
    }
}
