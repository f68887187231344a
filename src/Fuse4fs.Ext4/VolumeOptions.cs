using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Quota;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <summary>How a volume is opened. The defaults are those of mount(8) for ext4.</summary>
public sealed class VolumeOptions
{
    /// <summary>Nothing is written, not even a replay of the journal (that happens in memory).</summary>
    public bool ReadOnly { get; init; }

    /// <summary>False for noload/norecovery: the journal is not looked at. Read-only a dirty one is ignored; a volume
    /// opened for writing must not need it, and is changed without.</summary>
    public bool LoadJournal { get; init; } = true;

    /// <summary>sb=: the superblock to use, in units of 1024 bytes; null for the primary one.</summary>
    public ulong? SuperblockNumber { get; init; }

    /// <summary>The external journal's device, where the volume has one. Disposed with the volume.</summary>
    public IBlockDevice? JournalDevice { get; init; }

    /// <summary>commit=: how long a change may wait for its transaction to commit.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>usrquota, grpquota, prjquota: whose limits are enforced where the volume keeps quotas.</summary>
    public QuotaLimitKinds QuotaLimits { get; init; }

    /// <summary>errors=: what happens to a writable volume after damage was found and recorded in its superblock; null
    /// for what that says. <see cref="IEngineEvents.MustStop"/> is told of a panic.</summary>
    public ErrorsPolicy? ErrorsPolicy { get; init; }

    /// <summary>data=; null for what the superblock says.</summary>
    public DataMode? DataMode { get; init; }

    /// <summary>data_err=abort: when file data cannot be written nothing more is changed, as when metadata
    /// cannot.</summary>
    public bool AbortsOnDataFailure { get; init; }

    /// <summary>resuid=: besides root, who may use reserved blocks; null for what the superblock says.</summary>
    public uint? ReservedUserId { get; init; }

    /// <summary>resgid=: as <see cref="ReservedUserId"/>, for a group.</summary>
    public uint? ReservedGroupId { get; init; }

    /// <summary>grpid: new files take the group of their directory, whatever its set-group-id bit; null for what the
    /// superblock says.</summary>
    public bool? GroupOfDirectory { get; init; }

    /// <summary>discard: the device is told of blocks once their freeing is durable; null for what the superblock
    /// says.</summary>
    public bool? DiscardsFreed { get; init; }

    /// <summary>stripe=: long runs begin on multiples of so many blocks; null for what the superblock says.</summary>
    public uint? StripeBlocks { get; init; }

    /// <summary>Where a volume opened for writing is mounted, as the superblock remembers it; null when it is
    /// not.</summary>
    public string? MountPoint { get; init; }

    /// <summary>minixdf: statistics count all blocks, the overhead included.</summary>
    public bool MinixDf { get; init; }

    /// <summary>All of the file system's own blocks are known before anything else is done, as somebody is told where
    /// files are and writes there himself: a damaged image may map a file onto them.</summary>
    public bool TellsPlaces { get; init; }

    /// <summary>Where damage and warnings go.</summary>
    public IEngineEvents Events { get; init; } = SilentEvents.Instance;

    /// <summary>What time it is.</summary>
    public TimeProvider Clock { get; init; } = FileClock.Instance;

    /// <summary>Bound of the metadata cache.</summary>
    public long CacheBytes { get; init; } = 64L << 20;

    /// <summary>Bound of inode objects nobody refers to.</summary>
    public int CachedInodes { get; init; } = 16384;

    /// <summary>How the journal is run, but for <see cref="CommitInterval"/>: tests make it small, or break it.</summary>
    internal JournalOptions Journal { get; init; } = new();
}
