using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>What stat(2) shows of an inode.</summary>
    /// <returns>Stale for an inode not in use, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The inode is damaged.</exception>
    public Errno GetAttributes(InodeNumber number, out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            attributes = VisibleAttributesOf(held.Inode);
            return Errno.Ok;
        }
    }

    /// <summary>Refers to an inode, one that is only open too, and locks it for reading.</summary>
    private Errno Share(InodeNumber number, out SharedInode held)
    {
        Errno error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference reference);
        held = error == Errno.Ok ? new SharedInode(reference) : default;
        return error;
    }

    /// <summary>As <see cref="AttributesOf"/>; of an encrypted link that size is shown that readlink will
    /// give.</summary>
    private InodeAttributes VisibleAttributesOf(Inode inode)
    {
        InodeAttributes attributes = AttributesOf(inode);
        if (inode.Kind != FileKind.Symlink || !inode.Has(InodeFlags.Encrypted))
        {
            return attributes;
        }
        Span<byte> target = stackalloc byte[SymlinkReader.MaximumBytes];
        return attributes with { SizeBytes = Symlinks.Read(inode, target) };
    }

    /// <summary>As <see cref="GetAttributes"/>, and retains the inode before anybody can free it.</summary>
    /// <returns>Stale for an inode not in use, or Ok: only then it is retained.</returns>
    /// <exception cref="Ext4CorruptException">The inode is damaged.</exception>
    public Errno GetAttributesAndRetain(InodeNumber number, out InodeAttributes attributes)
    {
        // Whoever frees it looks for this under the inode's lock, which the reading of the attributes takes, too.
        Retain(number);
        bool isKept = false;
        try
        {
            Errno error = GetAttributes(number, out attributes);
            isKept = error == Errno.Ok;
            return error;
        }
        finally
        {
            if (!isKept)
            {
                Release(number);
            }
        }
    }

    /// <summary>The attributes of an inode whose lock the caller holds.</summary>
    internal static InodeAttributes AttributesOf(Inode inode) => new()
    {
        Number = inode.Number,
        Generation = inode.Generation,
        Mode = inode.Mode,
        LinkCount = inode.LinkCount,
        UserId = inode.UserId,
        GroupId = inode.GroupId,
        Device = inode.Device,
        SizeBytes = inode.SizeBytes,
        Sectors = VisibleSectors(inode),
        AccessTime = inode.AccessTime,
        ModificationTime = inode.ModificationTime,
        ChangeTime = inode.ChangeTime,
        BirthTime = inode.BirthTime,
        HasBirthTime = inode.ExtraSizeBytes >= InodeExtraRecord.BirthTimeEnd,
        Flags = inode.Flags,
        ProjectId = inode.ProjectId,
        Version = inode.Version,
        MayHaveXattrs = inode.XattrBlock.Value != 0 || inode.HasXattrArea,
    };

    /// <summary>Data inside the inode counts as space in use, so that nobody takes the file for a hole. Kernel:
    /// ext4_file_getattr.</summary>
    private static ulong VisibleSectors(Inode inode) =>
        inode.Has(InodeFlags.InlineData) && inode.IsRegular
            ? inode.Sectors + (((ulong)inode.SizeBytes + 511) >> 9)
            : inode.Sectors;
}
