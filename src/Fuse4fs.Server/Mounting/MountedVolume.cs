using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Background;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Metrics;
using Fuse4fs.Server.Opens;
using Fuse4fs.Server.Sandbox;
using Fuse4fs.Server.Sources;
using Serilog;

namespace Fuse4fs.Server.Mounting;

/// <summary>An image from its opening to its release: claimed, opened, mounted, served, unmounted, consistent, let go.
/// </summary>
public sealed class MountedVolume : IDisposable
{
    private readonly OwnedParts _owned;
    private readonly ServedVolume _server;
    private readonly FuseSession _session;
    private readonly MountStopper _stopper;
    private readonly FuseMount _mount;
    private readonly IomapMount? _iomap;
    private bool _isEnded;

    private MountedVolume(OwnedParts owned, ServedVolume server, FuseMount mount, FuseSession session,
        IomapMount? iomap, string? warning)
    {
        _owned = owned;
        _iomap = iomap;
        _mount = mount;
        _server = server;
        _session = session;
        _stopper = new MountStopper(mount, server);
        Notice = server.Source.Notice;
        Warning = warning;
    }

    /// <summary>One line for the user about what is not as asked; null when all is.</summary>
    public string? Notice { get; }

    /// <summary>The first thing that is wrong with the volume, in one line; null when nothing is.</summary>
    public string? Warning { get; }

    /// <summary>Requests so far by kind; see <see cref="OperationTable.NameOf(int)"/>.</summary>
    public OperationCount[] Counts() => _session.Counts();

    /// <summary>Mounts. When this returns the mount is ready for use.</summary>
    /// <exception cref="MountRefusedException">It cannot be; everything is as before.</exception>
    public static MountedVolume Start(ServeOptions options, ILogger log)
    {
        var owned = new OwnedParts();
        try
        {
            return Start(options, log, owned);
        }
        catch (Exception failure)
        {
            owned.Dispose();
            throw failure switch
            {
                VolumeRefusedException refusal => new MountRefusedException($"{options.Source}: {refusal.Message}", refusal),
                FuseException refusal => new MountRefusedException(refusal.Message, refusal),
                _ => failure,
            };
        }
    }

    /// <summary>Gives up what serving does not need (<see cref="ServeOptions.Sandbox"/>). To be called when the mount is
    /// ready and everything is open that this process will ever open.</summary>
    /// <exception cref="MountRefusedException">What was asked for is not to be had; the mount is gone.</exception>
    public void Seal()
    {
        try
        {
            MountSeal.Apply(_server, _mount, _session);
        }
        catch (MountRefusedException)
        {
            _stopper.TakeAway();
            throw;
        }
    }

    /// <summary>Serves until the mount has ended: unmounted, the connection aborted, or stopped.</summary>
    /// <returns>True when it ended in order.</returns>
    public bool WaitUntilStopped()
    {
        _isEnded = _stopper.WaitForEnd(_session);
        return _isEnded || _stopper.HasLeft;
    }

    /// <summary>Asks for the end, as SIGTERM does: what is dirty is written, the mount goes, and when it is in use it
    /// is served on without a place in the tree. The second call ends it at once. Returns at once.</summary>
    public void RequestStop() => _stopper.Request();

    /// <summary>errors=panic: every request fails from now on, and the mount goes.</summary>
    private void Panic()
    {
        _server.IsPanicked = true;
        _stopper.GiveUp();
    }

    /// <summary>Makes the image consistent and lets it go.</summary>
    public void Dispose()
    {
        _server.Requests.Close();
        _server.Freezer.Close();
        if (_isEnded)
        {
            _session.Dispose();
        }
        // Otherwise the kernel ends the connection when this process is gone.
        _owned.Dispose();
        if (_isEnded)
        {
            _iomap?.AwaitRelease();
        }
        _server.Outside?.Dispose();
        _server.MetricsWriter?.Dispose();
        if (_server.Options.Timing)
        {
            LogTiming();
        }
        ServerLog.Unmounted(_server.Log, _server.Options.Source);
    }

    private void LogTiming()
    {
        OperationCount[] counts = _session.Counts();
        for (int slot = 0; slot < counts.Length; slot++)
        {
            if (counts[slot].Requests > 0)
            {
                ServerLog.Timing(
                    _server.Log, OperationTable.NameOf(slot), counts[slot].Requests, counts[slot].Total.TotalMilliseconds);
            }
        }
    }

    private static MountedVolume Start(ServeOptions options, ILogger log, OwnedParts owned)
    {
        OwnMount.Refuse(options.MountPoint, options.MetricsFile, "metrics file");
        OwnMount.Refuse(options.MountPoint, options.LockFile, "lock file");
        MountSeal.RefuseImpossible(options);
        LockFile? lockFile = options.LockFile is null ? null : LockFile.Create(options.LockFile);
        if (lockFile is not null)
        {
            owned.Add(lockFile);
        }
        ImageSource source = ImageSource.Open(options);
        owned.Add(source);
        StripedSource? set = OpenSet(options, source, owned);
        IomapMount? iomap = PrepareIomap(options, [source, .. set?.Others ?? []], log, owned);
        var events = new EngineEventLog(log);
        IBlockDevice device = iomap?.Device ?? set?.Device ?? (IBlockDevice)source.Image;
        Volume volume = Volume.Open(
            device, EngineOptions.Create(options, device.IsReadOnly, events, tellsPlaces: iomap is not null));
        owned.Add(volume);
        RefuseHiddenRecovery(options, source, volume);
        if (iomap is not null && (volume.IsReplayedInMemory || volume.JournalsData))
        {
            SessionStart.RefuseIomap(options, volume.JournalsData
                ? "file data goes through the journal"
                : "the journal is replayed in memory only", log);
            iomap = null;
        }
        bool isReadOnly = options.ReadOnly || volume.IsReadOnly;
        var server = new ServedVolume(volume, options, source, isReadOnly, log, isPrivate: iomap is null);
        owned.Add(server);
        server.LetGo = owned.Dispose;
        server.LockFile = lockFile;
        MountOptions plan = MountPlan.Create(options, source, volume, isReadOnly, server.IsPrivate, iomap is not null);
        (FuseMount mount, FuseSession session) = iomap is null
            ? SessionStart.Mount(server, plan)
            : SessionStart.Mount(server, plan, iomap);
        server.Session = session;
        source.Image.Waiting = session.CallForHelp;
        set?.SetWaiting(session.CallForHelp);
        if (iomap is not null)
        {
            iomap.SetWaiting(session.CallForHelp);
            KeepMemorySmall(volume, owned);
        }
        MountPlan.RaiseReadAhead(mount);
        server.Full.UnseenBytes = DirtyLimit.Of(mount.MountPoint);
        MakeVisible(server, mount, owned);
        if (set?.Notice is string notice)
        {
            ServerLog.Warning(log, notice);
        }
        ServerLog.Mounted(log, options.Source, mount.MountPoint, isReadOnly);
        var mounted = new MountedVolume(owned, server, mount, session, iomap, events.FirstWarning);
        if (!events.TryWatch(mounted.Panic))
        {
            mounted.Panic();
        }
        return mounted;
    }

    private static StripedSource? OpenSet(ServeOptions options, ImageSource first, OwnedParts owned)
    {
        if (options.StripeMembers.Count == 0)
        {
            return null;
        }
        var set = StripedSource.Open(options, first);
        owned.Add(set);
        return set;
    }

    private static IomapMount? PrepareIomap(
        ServeOptions options, IReadOnlyList<ImageSource> sources, ILogger log, OwnedParts owned)
    {
        IomapMount? iomap = IomapMount.TryPrepare(options, sources, out string? refusal);
        if (iomap is not null)
        {
            owned.Add(iomap);
        }
        else if (refusal is not null)
        {
            SessionStart.RefuseIomap(options, refusal, log);
        }
        return iomap;
    }

    /// <summary>Begins to listen for commands, and to write figures.</summary>
    private static void MakeVisible(ServedVolume server, FuseMount mount, OwnedParts owned)
    {
        server.MountPoint = mount.MountPoint;
        server.MountDevice = mount.IsAdopted ? "" : MountTable.Find(mount.MountPoint)?.Device ?? "";
        if (ControlServer.Start(server) is { } control)
        {
            owned.Add(control);
        }
        if (MetricsFile.Start(server) is { } metrics)
        {
            owned.Add(metrics);
        }
    }

    /// <summary>When memory is short the kernel may have to wait for us to free some.</summary>
    private static void KeepMemorySmall(Volume volume, OwnedParts owned)
    {
        ResidentMemory.TryHold();
        if (PressureWatch.TryStart(volume.GiveBackMemory) is { } watch)
        {
            owned.Add(watch);
        }
    }

    /// <summary>Who asked for a writable mount of a write-protected device may get a read-only one, but not one of what
    /// is not on the device: the kernel's ext4 refuses that too.</summary>
    private static void RefuseHiddenRecovery(ServeOptions options, ImageSource source, Volume volume)
    {
        if (!options.ReadOnly && source.IsBlockDevice && source.Image.IsReadOnly && volume.IsReplayedInMemory)
        {
            throw new MountRefusedException($"{options.Source}: cannot mount read-only: the device is write-protected, "
                + "and its journal needs recovery (ro recovers in memory, norecovery does not recover)");
        }
    }
}
