using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Opens a volume.</summary>
    /// <param name="device">Where it is; owned by the volume from now on, also when opening fails.</param>
    /// <param name="options">How.</param>
    /// <exception cref="VolumeRefusedException">It cannot be opened; the message says why in one sentence.</exception>
    public static Volume Open(IBlockDevice device, VolumeOptions options)
    {
        try
        {
            return OpenChecked(device, options);
        }
        catch (Exception failure)
        {
            device.Dispose();
            options.JournalDevice?.Dispose();
            switch (failure)
            {
                case Ext4CorruptException damage:
                    throw new VolumeRefusedException(
                        VolumeRefusal.Damaged, $"the file system is damaged: {damage.Message}", damage);
                case DeviceException broken:
                    throw new VolumeRefusedException(
                        VolumeRefusal.Device, $"reading the device failed: {broken.Message}", broken);
                default:
                    throw;
            }
        }
    }

    private static Volume OpenChecked(IBlockDevice device, VolumeOptions options)
    {
        Superblock super = SuperblockReader.Find(
            device, options.SuperblockNumber, options.Events, out ulong offsetBytes);
        FeatureGate.CheckReadable(in super);
        bool isReadOnly = IsOpenedReadOnly(in super, offsetBytes, device, options);
        bool wasClean = IsClean(in super);
        Geometry geometry = Geometry.Decode(in super, offsetBytes, device.LengthBytes);
        MultipleMountGuard? guard = isReadOnly || !geometry.Has(IncompatFeatures.MultipleMountProtection)
            ? null
            : MultipleMountGuard.Claim(device, geometry, in super, options.Events, options.Clock);
        try
        {
            return OpenClaimed(device, options, geometry, super, offsetBytes, isReadOnly, wasClean, guard);
        }
        catch
        {
            guard?.Dispose();
            throw;
        }
    }

    private static Volume OpenClaimed(
        IBlockDevice device, VolumeOptions options, Geometry geometry, Superblock super, ulong offsetBytes,
        bool isReadOnly, bool wasClean, MultipleMountGuard? guard)
    {
        JournalSource? journal = null;
        RecoveryResult recovery = default;
        if (options.LoadJournal)
        {
            journal = FindJournal(device, in super, geometry, options);
            if (journal is not null)
            {
                recovery = Recover(device, journal, geometry, options, isReadOnly, out device);
                super = SuperblockReader.Find(device, offsetBytes / 1024, options.Events, out offsetBytes);
                geometry = Geometry.Decode(in super, offsetBytes, device.LengthBytes);
            }
        }
        var recorder = new ErrorRecorder(options.Events, options.Clock);
        var context = new VolumeContext(
            device, geometry, options.CacheBytes, recorder, options.Clock, isReadOnly);
        var volume = new Volume(context, options);
        volume.CheckRoot();
        volume.JournalFacts = journal?.Describe(recovery);
        try
        {
            volume.StartJournal(journal, recovery);
            volume.StartRecording(recorder, PolicyOf(in super, options));
            volume.MountGuard = guard;
            guard?.WhenLost(why => volume.Journal?.Abort(Errno.Busy, why));
            volume.StartFreeSpace(wasClean);
            volume.StartWriting();
            volume.StartQuotas();
            volume.RecoverOrphans();
            volume.StartNaming();
            return volume;
        }
        catch
        {
            volume.StopAfterFailure();
            throw;
        }
    }

    /// <summary>Opening failed when the threads were running already.</summary>
    private void StopAfterFailure()
    {
        try
        {
            Journal?.Close();
        }
        catch (DeviceException failure)
        {
            Context.Events.DeviceFailed(failure);
        }
        finally
        {
            Space?.Dispose();
        }
    }

    private static bool IsClean(in Superblock super) =>
        ((VolumeStates)(ushort)super.State).HasFlag(VolumeStates.Clean)
        && !((IncompatFeatures)(uint)super.Incompat).HasFlag(IncompatFeatures.Recover);

    private static bool IsOpenedReadOnly(
        in Superblock super, ulong offsetBytes, IBlockDevice device, VolumeOptions options)
    {
        if ((super.State & (int)VolumeStates.Errors) != 0)
        {
            options.Events.Warning("the file system is marked as damaged; run e2fsck");
        }
        if (options.ReadOnly || device.IsReadOnly)
        {
            return true;
        }
        if (!options.LoadJournal && ((IncompatFeatures)(uint)super.Incompat).HasFlag(IncompatFeatures.Recover))
        {
            throw new VolumeRefusedException(VolumeRefusal.Journal,
                "the journal must be replayed before anything is written: without that only a read-only mount is possible");
        }
        // The descriptors beside a backup are as old as the backup: good enough to find everything, not to allocate.
        string? reason = offsetBytes == Superblock.PrimaryOffsetBytes
            ? FeatureGate.WhyReadOnly(in super)
            : "a backup superblock is in use: read-only";
        if (reason is not null)
        {
            options.Events.Warning(reason);
        }
        return reason is not null;
    }

    private void CheckRoot()
    {
        Errno error = Inodes.Acquire(InodeNumber.Root, out InodeReference root);
        if (error != Errno.Ok)
        {
            throw new VolumeRefusedException(VolumeRefusal.Damaged, "the root directory is not in use");
        }
        using (root)
        {
            if (!root.Inode.IsDirectory)
            {
                throw new VolumeRefusedException(VolumeRefusal.Damaged, "the root inode is not a directory");
            }
        }
    }
}
