using Fuse4fs.Ext4.Quota;
using Fuse4fs.Ext4;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Identity;
using Fuse4fs.Server.Sandbox;

namespace Fuse4fs.Server.Mounting;

/// <summary>Everything that decides how an image is served, parsed and checked. Immutable.</summary>
public sealed record ServeOptions
{
    /// <summary>The image or device, exactly as given: it is the source in the mount table.</summary>
    public required string Source { get; init; }

    /// <summary>The members of a striped set that follow the source; empty: the source is all.</summary>
    public IReadOnlyList<string> StripeMembers { get; init; } = [];

    /// <summary>Length of a strip of the set.</summary>
    public long StripeWidthBytes { get; init; } = 64 << 10;

    /// <summary>Where to mount, as given.</summary>
    public required string MountPoint { get; init; }

    /// <summary>Opened for us, where we run as a mount service; null when we open and mount ourselves.</summary>
    public GivenFiles? Given { get; init; }

    /// <summary>What the FUSE mount itself is told: flags, names, who may enter. The kernel checks permissions unless
    /// <see cref="FakeRoot"/> or <see cref="PrivateMount"/> says otherwise.</summary>
    public MountOptions Mount { get; init; } = new() { Subtype = "ext4" };

    /// <summary>ro: neither we nor the kernel change anything.</summary>
    public bool ReadOnly => Mount.Flags.HasFlag(MountFlags.ReadOnly);

    /// <summary>offset=: where the file system starts in the source, bytes.</summary>
    public long OffsetBytes { get; init; }

    /// <summary>False with noload or norecovery: a dirty journal is not replayed.</summary>
    public bool LoadJournal { get; init; } = true;

    /// <summary>journal_path=: an external journal.</summary>
    public string? JournalPath { get; init; }

    /// <summary>sb=: which superblock, in units of 1 KiB as mount(8) documents it; null for the primary.</summary>
    public ulong? SuperblockKibibytes { get; init; }

    /// <summary>errors=; null leaves the choice of the superblock.</summary>
    public ErrorsPolicy? Errors { get; init; }

    /// <summary>commit=: seconds between commits; null for the default.</summary>
    public int? CommitSeconds { get; init; }

    /// <summary>data=: when file data reaches the device; null leaves the choice of the superblock.</summary>
    public DataMode? DataMode { get; init; }

    /// <summary>data_err=abort: nothing more is changed after file data could not be written.</summary>
    public bool AbortOnDataFailure { get; init; }

    /// <summary>resuid= and resgid=: who besides root may use the reserve; null leaves the superblock's.</summary>
    public uint? ReserveUserId { get; init; }

    public uint? ReserveGroupId { get; init; }

    /// <summary>usrquota, grpquota, prjquota: whose limits are enforced.</summary>
    public QuotaLimitKinds QuotaLimits { get; init; }

    /// <summary>minixdf: statfs reports all blocks, without subtracting the overhead.</summary>
    public bool MinixStatistics { get; init; }

    /// <summary>cache_size=: bytes of the metadata block cache; null for the default.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>discard: freed blocks are discarded when their freeing is durable; null leaves the superblock's.</summary>
    public bool? Discard { get; init; }

    /// <summary>sync: every change is durable when it is answered.</summary>
    public bool Synchronous => Mount.Flags.HasFlag(MountFlags.Synchronous);

    /// <summary>dirsync: a change of a directory is durable when it is answered.</summary>
    public bool SynchronousDirectories => Synchronous || Mount.Flags.HasFlag(MountFlags.DirectorySync);

    /// <summary>stripe=: blocks; null leaves the superblock's.</summary>
    public uint? StripeBlocks { get; init; }

    /// <summary>grpid: new files take the group of their directory; null leaves the superblock's.</summary>
    public bool? GroupOfDirectory { get; init; }

    /// <summary>kernel: behave like the driver in the kernel (access for everybody, log lines to the kernel's log).</summary>
    public bool LikeKernel { get; init; }

    /// <summary>fakeroot: who mounts may do everything. Permissions are not checked, unless others are let in.</summary>
    public bool FakeRoot { get; init; }

    /// <summary>uidmap= and gidmap=: owners are shown, and stored, by these maps; null for as they are.</summary>
    public IdMap? UserMap { get; init; }

    public IdMap? GroupMap { get; init; }

    /// <summary>squash_to_root: everything is shown as root's, whoever owns it in the image.</summary>
    public bool SquashToRoot { get; init; }

    /// <summary>acl: POSIX access control lists are enforced.</summary>
    public bool AccessControlLists { get; init; } = true;

    /// <summary>fsname=: the source shown in the mount table instead of <see cref="Source"/>.</summary>
    public string? ShownName { get; init; }

    /// <summary>no_default_opts: the mount table shows neither type nor source of ours unless given.</summary>
    public bool PlainType { get; init; }

    /// <summary>fuseblk=: whether a block device is mounted with the type fuseblk.</summary>
    public FuseBlockChoice FuseBlock { get; init; }

    /// <summary>iomap=: whether the kernel moves file data itself, on our word.</summary>
    public IomapChoice Iomap { get; init; }

    /// <summary>io_uring: requests come over io_uring where the kernel offers it.</summary>
    public bool OverIoUring { get; init; }

    /// <summary>idmap: the mount may be id-mapped (mount_setattr). The kernel then names callers only where something is
    /// created, and checks permissions.</summary>
    public bool AllowIdMapping { get; init; }

    /// <summary>threads=: workers; 0 means one per processor, at least two.</summary>
    public int Threads { get; init; }

    /// <summary>lockfile=: created exclusively, removed at the end.</summary>
    public string? LockFile { get; init; }

    /// <summary>oom_score_adj=: how readily the kernel kills this process, -1000..1000.</summary>
    public int OutOfMemoryScore { get; init; } = -500;

    /// <summary>metrics=: absolute path of the file figures are written to; null for none.</summary>
    public string? MetricsFile { get; init; }

    /// <summary>metrics_interval=: seconds between two writings of it.</summary>
    public int MetricsSeconds { get; init; } = 10;

    /// <summary>sandbox=: what the server gives up once the mount is ready.</summary>
    public SandboxMode Sandbox { get; init; }

    /// <summary>timing: the number and duration of requests per kind are logged at the end.</summary>
    public bool Timing { get; init; }
}
