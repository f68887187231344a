using System.Diagnostics;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Freezing;
using Fuse4fs.Server.Identity;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Server.Opens;
using Fuse4fs.Server.Sandbox;
using Fuse4fs.Server.Sources;
using Serilog;

namespace Fuse4fs.Server;

/// <summary>What every handler works on: one per mount.</summary>
internal sealed class ServedVolume : IDisposable
{
    /// <summary>Seconds for which the kernel may keep what it was told: we own the file system, nothing changes behind
    /// the kernel's back. 136 years.</summary>
    public const ulong ForEver = uint.MaxValue;

    private bool _isShutDown;
    private bool _isPanicked;

    public ServedVolume(
        Volume volume, ServeOptions options, ImageSource source, bool isReadOnly, ILogger log, bool isPrivate = true)
    {
        Source = source;
        Ids = new ShownIds(options);
        Volume = volume;
        Options = options;
        IsReadOnly = isReadOnly;
        IsPrivate = isPrivate && !isReadOnly && PrivateMount.IsSuperusers(options);
        Log = log;
        Background = new BackgroundQueue(log);
        Invalidations = new BackgroundQueue(log);
        Freezer = new Freezer(this);
        StartedAt = Stopwatch.GetTimestamp();
        HasCasefold = volume.Context.Geometry.Incompat.HasFlag(IncompatFeatures.Casefold);
        HasEncryption = volume.Context.Geometry.Incompat.HasFlag(IncompatFeatures.Encrypt);
    }

    public Volume Volume { get; }

    public ServeOptions Options { get; }

    /// <summary>Owners as the kernel is told of them.</summary>
    public ShownIds Ids { get; }

    public ImageSource Source { get; }

    /// <summary>The mount itself is read-only: the kernel sends no changes.</summary>
    public bool IsReadOnly { get; }

    /// <summary>Only the superuser can enter, and the kernel does not check permissions. Not where nothing changes: there it
    /// would spare no question, and have the kernel ask at every chdir.</summary>
    public bool IsPrivate { get; }

    public ILogger Log { get; }

    public RequestGate Requests { get; } = new();

    /// <summary>Open files of a writable mount.</summary>
    public OpenFiles Opens { get; } = new();

    public FullFiles Full { get; } = new();

    /// <summary>Null where the mount is our own.</summary>
    public WrittenFiles? Written { get; set; }

    public DirectWriters Direct { get; } = new();

    public BackgroundQueue Background { get; }

    /// <summary>For telling the kernel to drop pages, which waits for reads of them that workers answer: nothing else may
    /// wait behind it, and no worker may do it.</summary>
    public BackgroundQueue Invalidations { get; }

    /// <summary>Has the image stand still for a while.</summary>
    public Freezer Freezer { get; }

    /// <summary>Stopwatch time of the mount.</summary>
    public long StartedAt { get; }

    /// <summary>Where it is mounted: absolute, or as it was given for an adopted descriptor.</summary>
    public string MountPoint { get; set; } = "";

    /// <summary>major:minor of the mount; empty when it is not known.</summary>
    public string MountDevice { get; set; } = "";

    /// <summary>Path of the socket at which this server is spoken to; null when it has none.</summary>
    public string? ControlSocket { get; set; }

    /// <summary>At which this server is spoken to; null when it is not.</summary>
    public ControlServer? Control { get; set; }

    /// <summary>The file that exists while the mount does; null without one.</summary>
    public LockFile? LockFile { get; set; }

    /// <summary>Does what this process cannot do any more; null while it still can.</summary>
    public OutsideHelper? Outside { get; set; }

    /// <summary>Puts the figures in their place for us; null while we can.</summary>
    public OutsideHelper? MetricsWriter { get; set; }

    /// <summary>Held while files are written, and while the right to do so is given up.</summary>
    public Lock FileGate { get; } = new();

    /// <summary>Shut down on request: nothing is read or changed any more.</summary>
    public bool IsShutDown
    {
        get => Volatile.Read(ref _isShutDown);
        set => Volatile.Write(ref _isShutDown, value);
    }

    /// <summary>Damage was found and errors=panic: no request is answered any more.</summary>
    public bool IsPanicked
    {
        get => Volatile.Read(ref _isPanicked);
        set => Volatile.Write(ref _isPanicked, value);
    }

    /// <summary>Some directories may compare names without regard to case: their names must not be cached.</summary>
    public bool HasCasefold { get; }

    /// <summary>Some files need a key, which is found out when they are opened.</summary>
    public bool HasEncryption { get; }

    /// <summary>What INIT agreed on; set before the first request.</summary>
    public Capabilities Capabilities { get; set; } = null!;

    /// <summary>The kernel moves the data of regular files itself: what answers it; null where it does not.</summary>
    public IomapVolume? Iomap { get; set; }

    public FuseNotifier Notifier { get; set; } = null!;

    /// <summary>For its counts; null until the mount is ready.</summary>
    public FuseSession? Session { get; set; }

    /// <summary>Makes the volume consistent and lets the image go, ahead of the process's end. Nothing of it may be touched
    /// afterwards.</summary>
    public Action LetGo { get; set; } = static () => { };

    /// <summary>True when OPEN and RELEASE need not be sent: nothing is to be checked or remembered.</summary>
    public bool MayOpenSilently =>
        IsReadOnly && !HasEncryption && Capabilities.Has(InitFlags.NoOpenSupport);

    /// <summary>With the write-back cache the kernel keeps modification and change times of regular files: it moves
    /// them itself and hands them in, before a change or after it. What we would set would stay on disk when it came in
    /// between, and nobody would see it before the next mount.</summary>
    public bool KernelKeepsTimes => Capabilities.Has(InitFlags.WriteBackCache);

    /// <summary>The kernel is told of an inode once more. Where nothing can be removed nothing need be counted.</summary>
    public void Retain(InodeNumber inode)
    {
        if (!IsReadOnly)
        {
            Volume.Retain(inode);
        }
    }

    /// <summary>The kernel will not be told after all.</summary>
    public void Release(InodeNumber inode)
    {
        if (!IsReadOnly)
        {
            Volume.Release(inode);
        }
    }

    /// <summary>Seconds for which the kernel may keep an inode's attributes: for ever, unless it is to ask before it takes
    /// data for the file.</summary>
    public ulong AttributesValid(InodeNumber inode) => Full.Contains(inode) ? 0 : ForEver;

    /// <summary>The kernel, which keeps attributes for ever, asks for a node's again when it needs them next.</summary>
    public void ForgetAttributes(ulong nodeId)
    {
        const long attributesOnly = -1;
        _ = Notifier.InvalidateInode(nodeId, attributesOnly, 0);
    }

    /// <summary>Ends the service: what was changed is made durable as the mode says, and every request that needs the
    /// volume is refused from now on.</summary>
    /// <returns>Why it could not be made durable, or Ok.</returns>
    public Errno ShutDown(ShutdownMode mode)
    {
        IsShutDown = true;
        Freezer.Close();
        return Volume.ShutDown(commitsFirst: mode != ShutdownMode.NoLogFlush);
    }

    /// <summary>Ends the work in the background. The volume is not ours.</summary>
    public void Dispose()
    {
        Invalidations.Dispose();
        Background.Dispose();
    }
}
