using Fuse4fs.Ext4.FastCommits;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Cache of the context that only looks for the journal.</summary>
    private const long ProbeCacheBytes = 1 << 20;

    /// <summary>The way to change metadata; null on a volume opened read-only.</summary>
    internal Journal? Journal { get; private set; }

    /// <summary>Shows others that the volume is in use; null where it has no such block, or nothing is written.</summary>
    private MultipleMountGuard? MountGuard { get; set; }

    /// <summary>The journal as it was found; null without one, or when it was not looked at (noload).</summary>
    public JournalFacts? JournalFacts { get; private set; }

    /// <summary>Finds the volume's journal.</summary>
    /// <returns>Null when the volume has none.</returns>
    /// <exception cref="VolumeRefusedException">It has one that is missing, foreign or not understood.</exception>
    /// <exception cref="Ext4CorruptException">Its inode, map or superblock is damaged.</exception>
    private static JournalSource? FindJournal(
        IBlockDevice device, in Superblock super, Geometry geometry, VolumeOptions options)
    {
        if (!geometry.Compat.HasFlag(CompatFeatures.HasJournal))
        {
            return geometry.Incompat.HasFlag(IncompatFeatures.Recover)
                ? throw new VolumeRefusedException(
                    VolumeRefusal.Journal, "the file system needs recovery but has no journal; run e2fsck")
                : null;
        }
        try
        {
            if (super.JournalInode != 0)
            {
                var context = new VolumeContext(
                    device, geometry, ProbeCacheBytes, options.Events, options.Clock, isReadOnly: true);
                return JournalSource.OpenInternal(
                    device, geometry.BlockSizeBytes, JournalRuns(context, new InodeNumber(super.JournalInode)));
            }
            return options.JournalDevice is { } external
                ? JournalSource.OpenExternal(external, geometry.BlockSizeBytes, super.JournalUuid)
                : throw new VolumeRefusedException(
                    VolumeRefusal.Journal, "the journal is on another device: name it with journal_path=");
        }
        catch (NotSupportedException unknown)
        {
            throw new VolumeRefusedException(VolumeRefusal.Journal, unknown.Message, unknown);
        }
    }

    /// <summary>Brings the volume to its last committed state: in place, or in memory when nothing may be
    /// written.</summary>
    /// <param name="device">The volume's device.</param>
    /// <param name="journal">Its journal.</param>
    /// <param name="geometry">As far as known before the replay.</param>
    /// <param name="options">For the clock.</param>
    /// <param name="isReadOnly">Nothing may be written.</param>
    /// <param name="target">The device to use from now on.</param>
    private static RecoveryResult Recover(
        IBlockDevice device, JournalSource journal, Geometry geometry, VolumeOptions options, bool isReadOnly,
        out IBlockDevice target)
    {
        target = device;
        if (!geometry.Incompat.HasFlag(IncompatFeatures.Recover))
        {
            return JournalRecovery.Skip(journal, geometry.BlockCount);
        }
        if (isReadOnly && journal.StartBlock != 0)
        {
            target = new OverlayDevice(device, geometry.BlockSizeBytes);
        }
        byte[] errors = ErrorRecord.Read(device);
        RecoveryResult replayed = JournalRecovery.Run(journal, target, geometry.BlockCount);
        ErrorRecord.Restore(target, errors);
        return FastCommitRecovery.Run(journal, replayed, target, isInPlace: target == device, options.Clock);
    }

    private static List<LogRun> JournalRuns(VolumeContext context, InodeNumber number)
    {
        var inodes = new InodeTable(context, capacity: 1);
        var runs = new List<LogRun>();
        if (inodes.Acquire(number, InodeAccess.Special, out InodeReference reference) != Errno.Ok)
        {
            Ext4CorruptException.Throw(Corruption.JournalSuperblock, $"journal inode {number}: not in use");
        }
        using (reference)
        {
            Inode inode = reference.Inode;
            ulong length = (ulong)inode.SizeBytes >> context.Geometry.BlockSizeShift;
            if (!inode.IsRegular || length > context.Geometry.BlockCount || length > uint.MaxValue)
            {
                Ext4CorruptException.Throw(Corruption.JournalSuperblock, $"journal inode {number}: size or type");
            }
            var map = new FileMap(context);
            for (uint block = 0; block < length;)
            {
                MapRun run = map.Find(inode, block).From(block);
                if (run.Kind != RunKind.Written)
                {
                    Ext4CorruptException.Throw(
                        Corruption.JournalSuperblock, $"journal inode {number}: hole at {block}");
                }
                uint count = (uint)Math.Min(run.LengthBlocks, length - block);
                runs.Add(new LogRun(block, run.Start, count));
                block += count;
            }
        }
        return runs;
    }

    private void StartJournal(JournalSource? journal, RecoveryResult recovery)
    {
        if (!IsReadOnly)
        {
            JournalOptions options = _options.Journal with
            {
                CommitInterval = _options.CommitInterval,
                MountPoint = _options.MountPoint,
            };
            Journal = Journal.Open(Context, journal, recovery.EndSequence, options);
        }
    }

    /// <summary>errors=, or what the superblock says; anything unknown there is the cautious choice. Kernel:
    /// ext4_load_super.</summary>
    private static ErrorsPolicy PolicyOf(in Superblock super, VolumeOptions options) => options.ErrorsPolicy
        ?? (ErrorsPolicy)(ushort)super.ErrorsPolicy switch
        {
            ErrorsPolicy.Continue => ErrorsPolicy.Continue,
            ErrorsPolicy.Panic => ErrorsPolicy.Panic,
            _ => ErrorsPolicy.RemountReadOnly,
        };

    /// <summary>From now on damage is recorded in the superblock, if anything may be written at all.</summary>
    private void StartRecording(ErrorRecorder recorder, ErrorsPolicy policy)
    {
        if (Journal is not null && policy == ErrorsPolicy.Panic)
        {
            Journal.AbortRecorded = recorder.MustStop;
        }
        recorder.Attach(Journal, continues: policy == ErrorsPolicy.Continue);
    }
}
