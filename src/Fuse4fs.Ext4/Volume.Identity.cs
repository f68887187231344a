using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Bytes of a UUID.</summary>
    public const int UuidBytes = 16;

    /// <summary>Longest label, bytes.</summary>
    public const int MaximumLabelBytes = 16;

    /// <summary>The volume's UUID.</summary>
    /// <param name="uuid">At least <see cref="UuidBytes"/>.</param>
    public void GetUuid(Span<byte> uuid)
    {
        Superblock super = Context.CopySuperblock();
        ((ReadOnlySpan<byte>)super.Uuid).CopyTo(uuid);
    }

    /// <summary>The volume's label.</summary>
    /// <param name="label">At least <see cref="MaximumLabelBytes"/>.</param>
    /// <returns>Bytes of the label.</returns>
    public int GetLabel(Span<byte> label)
    {
        Superblock super = Context.CopySuperblock();
        ReadOnlySpan<byte> name = super.VolumeName;
        int zero = name.IndexOf((byte)0);
        name = zero < 0 ? name : name[..zero];
        name.CopyTo(label);
        return name.Length;
    }

    /// <summary>Gives the volume another label, which those see at once who read the device.</summary>
    /// <returns>Invalid for more than <see cref="MaximumLabelBytes"/>, ReadOnly, InputOutput, or Ok.</returns>
    /// <remarks>Waits for the device.</remarks>
    public Errno SetLabel(ReadOnlySpan<byte> label)
    {
        if (label.Length > MaximumLabelBytes)
        {
            return Errno.Invalid;
        }
        if (Journal is null || Context.IsReadOnly)
        {
            return Errno.ReadOnly;
        }
        Bytes16 name = default;
        label.CopyTo(name);
        return ChangeSuperblocks((ref Superblock super) => super.VolumeName = name);
    }

    /// <summary>Neither checksums nor the keys of encrypted files are made of the UUID.</summary>
    public bool CanChangeUuid => !Context.Geometry.Has(CompatFeatures.StableInodes)
        && (!Context.Geometry.HasGroupChecksums || Context.Geometry.Has(IncompatFeatures.ChecksumSeed));

    /// <summary>Gives the volume another UUID.</summary>
    /// <param name="uuid"><see cref="UuidBytes"/> bytes.</param>
    /// <returns>NotSupported without <see cref="CanChangeUuid"/>, ReadOnly, InputOutput, or Ok.</returns>
    /// <remarks>Waits for the device. Kernel: ext4_ioctl_setuuid.</remarks>
    public Errno SetUuid(ReadOnlySpan<byte> uuid)
    {
        if (!CanChangeUuid)
        {
            return Errno.NotSupported;
        }
        if (Journal is null || Context.IsReadOnly)
        {
            return Errno.ReadOnly;
        }
        Bytes16 bytes = default;
        uuid[..UuidBytes].CopyTo(bytes);
        return ChangeSuperblocks((ref Superblock super) => super.Uuid = bytes);
    }

    /// <summary>Brings everything written so far to its place on the device, so that the log could be dropped.</summary>
    /// <param name="isTry">Does nothing.</param>
    /// <param name="erasing">Then the log is zeroed, or discarded.</param>
    /// <returns>NoDevice on a volume without a journal, ReadOnly, Busy for erasing while the volume is frozen,
    /// InputOutput, or Ok.</returns>
    /// <remarks>Waits for the device. Kernel: ext4_ioctl_checkpoint.</remarks>
    public Errno Checkpoint(bool isTry, LogErasing erasing = LogErasing.None)
    {
        if (!Context.Geometry.Has(CompatFeatures.HasJournal))
        {
            return Errno.NoDevice;
        }
        if (Journal is null || Context.IsReadOnly)
        {
            return Errno.ReadOnly;
        }
        if (isTry)
        {
            return Errno.Ok;
        }
        return erasing == LogErasing.None ? Journal.BringHome() : Journal.Erase(erasing == LogErasing.Discard);
    }

    /// <summary>The superblock and its backups, one after the other. Kernel: ext4_update_superblocks_fn.</summary>
    private Errno ChangeSuperblocks(SuperblockEdit edit)
    {
        Errno error = Journal!.TryStart(SuperblockChange.Credits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            SuperblockChange.Apply(Context, handle, edit);
            handle.Complete();
        }
        for (uint group = 1; group < Context.Geometry.GroupCount && error == Errno.Ok; group++)
        {
            var number = new GroupNumber(group);
            error = Context.Geometry.HasSuperblock(number) ? ChangeBackup(number, edit) : Errno.Ok;
        }
        return error == Errno.Ok ? Journal.BringHome() : error;
    }

    /// <summary>A backup that is damaged stays as it is: e2fsck decides on it.</summary>
    private Errno ChangeBackup(GroupNumber group, SuperblockEdit edit)
    {
        FsBlock block = Context.Geometry.FirstBlock(group);
        using (BlockLease lease = Context.Cache.Read(block))
        {
            Span<byte> bytes = lease.Bytes[..Superblock.SizeBytes];
            ref readonly Superblock backup = ref Disk.At<Superblock>(bytes, 0);
            if (backup.Magic != Superblock.ExpectedMagic
                || (Context.Checksums.IsEnabled && backup.Checksum != Checksums.OfSuperblock(bytes)))
            {
                Context.Events.Warning($"the backup superblock at block {block} is damaged");
                return Errno.Ok;
            }
        }
        Errno error = Journal!.TryStart(SuperblockChange.Credits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            using (BlockLease lease = handle.Update(block))
            {
                Span<byte> bytes = lease.Bytes[..Superblock.SizeBytes];
                ref Superblock backup = ref Disk.At<Superblock>(bytes, 0);
                edit(ref backup);
                if (Context.Checksums.IsEnabled)
                {
                    backup.Checksum = Checksums.OfSuperblock(bytes);
                }
            }
            handle.Complete();
            return Errno.Ok;
        }
    }
}
