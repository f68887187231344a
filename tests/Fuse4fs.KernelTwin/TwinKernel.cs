using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Faults;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Mounting;
using Fuse4fs.KernelTwin.Names;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Scheduling;
using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin;

/// <summary>A fuse-iomap kernel in the test's process: one mount, from opening /dev/fuse to DESTROY.</summary>
/// <remarks>docs/kernel-twin.md. Everything below runs under the scheduler's gate.</remarks>
public sealed class TwinKernel : IDisposable
{
    private readonly Dictionary<int, BackingDescriptor> _descriptors = [];
    private readonly FuseDevice _device;
    private ITwinServer? _server;
    private long _stamp;

    public TwinKernel(TwinOptions options)
    {
        Options = options;
        Rules = new RuleKeeper(options.IsStrict);
        Scheduler = new TwinScheduler(options.Seed, options.StallLimit) { Check = Rules.Throw };
        Connection = new Connection(Scheduler, Rules, Trace, Faults);
        Session = new Session(this);
        Inodes = new InodeTable(this);
        Attributes = new Attributes(this);
        MappingRules = new MappingRules(this);
        MappingRequests = new MappingRequests(this);
        IoendRequests = new IoendRequests(this);
        Agreement = new Agreement(this);
        BlockUsers = new BlockUsers(this);
        Walk = new MappingWalk(this);
        BlockIo = new BlockIo(this);
        PageReader = new PageReader(this);
        Writeback = new Writeback(this);
        Inline = new InlineIo(this);
        BufferedWrites = new BufferedWrites(this);
        Zeroing = new Zeroing(this);
        DirectIo = new DirectIo(this);
        Privileges = new Privileges(this);
        Truncation = new Truncation(this);
        Fallocation = new Fallocation(this);
        Copying = new Copying(this);
        Syncing = new Syncing(this);
        MemoryMaps = new MemoryMaps(this);
        Reporting = new Reporting(this);
        Paths = new PathWalk(this);
        NameChanges = new NameChanges(this);
        Xattrs = new Xattrs(this);
        Listing = new Listing(this);
        Connection.OnNotification = new Notifications(this).Handle;
        Scheduler.HasRequests = () => Connection.HasRequests;
        Scheduler.HasUnanswered = () => Connection.HasUnanswered;
        Scheduler.Describe = Connection.Describe;
        _device = new FuseDevice(this);
    }

    public TwinOptions Options { get; }

    public FaultPlan Faults { get; } = new();

    public Trace Trace { get; } = new();

    /// <summary>What the server sent by itself.</summary>
    public NotificationTally Notifications { get; } = new();

    /// <summary>What the server did wrong.</summary>
    public RuleKeeper Rules { get; }

    public TwinClock Clock { get; } = new();

    /// <summary>What CONFIG settled.</summary>
    public MountConfig Config => Session.Config;

    /// <summary>Messages sent so far: the numbers at which a crash can be asked for.</summary>
    public long Messages => Connection.Messages;

    /// <summary>The one descriptor before the mount; a server clones it.</summary>
    public FuseDevice Device => _device;

    /// <summary>Between FIFREEZE and FITHAW: the server must leave the device alone, which its device can look at.</summary>
    public bool IsFrozen => Syncing.IsFrozen;

    /// <summary>How often the kernel dropped all cached mappings of a file because there were too many: of the files in its
    /// memory.</summary>
    public int CacheOverruns => Inodes.All.Sum(inode => inode.Mappings?.Overruns ?? 0);

    /// <summary>Managed threads that have called SET_NOFS.</summary>
    public HashSet<int> ThreadsWithoutRecursion { get; } = [];

    internal Quirks Quirks => Options.Quirks;

    internal Revision Revision => Options.Revision;

    internal TwinScheduler Scheduler { get; }

    internal Connection Connection { get; }

    internal Session Session { get; }

    internal BackingTable Backing { get; } = new();

    internal InodeTable Inodes { get; }

    internal Attributes Attributes { get; }

    internal MappingRules MappingRules { get; }

    internal MappingRequests MappingRequests { get; }

    internal IoendRequests IoendRequests { get; }

    internal Agreement Agreement { get; }

    internal BlockUsers BlockUsers { get; }

    internal MappingWalk Walk { get; }

    internal BlockIo BlockIo { get; }

    internal PageReader PageReader { get; }

    internal Writeback Writeback { get; }

    internal InlineIo Inline { get; }

    internal BufferedWrites BufferedWrites { get; }

    internal Zeroing Zeroing { get; }

    internal DirectIo DirectIo { get; }

    internal Privileges Privileges { get; }

    internal Truncation Truncation { get; }

    internal Fallocation Fallocation { get; }

    internal Copying Copying { get; }

    internal Syncing Syncing { get; }

    internal MemoryMaps MemoryMaps { get; }

    internal Reporting Reporting { get; }

    internal PathWalk Paths { get; }

    internal NameChanges NameChanges { get; }

    internal Xattrs Xattrs { get; }

    internal Listing Listing { get; }

    /// <summary>Says what a descriptor number of the server stands for.</summary>
    public void RegisterDescriptor(int number, BackingDescriptor descriptor) => _descriptors[number] = descriptor;

    /// <summary>Hands the unmounted device to a server.</summary>
    public void Attach(ITwinServer server)
    {
        _server = server;
        if (server.IsPumped)
        {
            Scheduler.Pump = () =>
            {
                server.PumpOne();
                return true;
            };
        }
        server.Start(_device);
    }

    /// <summary>mount(2).</summary>
    public Errno Mount() => Scheduler.Run(() => Session.Mount(_device));

    /// <summary>umount(2): EBUSY with open files.</summary>
    public Errno Unmount() => Scheduler.Run(Session.Unmount);

    /// <summary>umount(2) with MNT_FORCE, or the server's death: everything that is not answered fails.</summary>
    public void Abort()
    {
        lock (Scheduler.Gate)
        {
            Connection.Abort();
        }
    }

    /// <summary>A process of this user.</summary>
    public PosixDriver Process(uint uid = 0, uint gid = 0) => new(this, new TwinProcess(this, uid, gid));

    /// <summary>Lets everything go on that can, without a new system call.</summary>
    public void Settle() => Scheduler.Settle();

    /// <summary>Replies that the fault plan held back are seen now.</summary>
    public void ReleaseReplies()
    {
        lock (Scheduler.Gate)
        {
            Connection.ReleaseHeld();
        }
    }

    /// <summary>Runs several callers at once; the scheduler chooses who goes on.</summary>
    public void RunTogether(params Func<Task>[] callers) => Scheduler.Run(async () =>
    {
        var running = new List<Task>();
        foreach (Func<Task> caller in callers)
        {
            running.Add(StartLater(caller));
        }
        await Task.WhenAll(running);
        return 0;
    });

    /// <summary>Background write-back of everything dirty, by the flusher.</summary>
    public void FlushInBackground(bool waits = true) => Scheduler.Run(async () =>
    {
        await Writeback.FlushAll(waits);
        return 0;
    });

    /// <summary>Memory pressure: clean pages go, and with inodes also what is unused (drop_caches 1 or 3).</summary>
    public void DropCaches(bool inodes) => Scheduler.Run(() =>
    {
        foreach (Inode inode in Inodes.All.Where(inode => inode.Walks == 0))
        {
            inode.Pages.DropClean(0, long.MaxValue);
        }
        if (inodes)
        {
            Inodes.EvictAll();
        }
        return Task.FromResult(0);
    });

    /// <summary>The block device under a fuseblk mount is pulled out.</summary>
    public Errno LoseDevice() => Scheduler.Run(() => Syncing.LoseDevice(new Caller("", 1, 0, 0)));

    public void Dispose()
    {
        Abort();
        _server?.Dispose();
        _device.Dispose();
    }

    internal BackingDescriptor? Descriptor(int number) => _descriptors.GetValueOrDefault(number);

    internal long NextStamp() => ++_stamp;

    private async Task StartLater(Func<Task> caller)
    {
        await Scheduler.Breathe();
        await caller();
    }
}
