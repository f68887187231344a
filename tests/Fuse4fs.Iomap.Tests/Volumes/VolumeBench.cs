using System.Globalization;
using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Mounting;
using Fuse4fs.Testing;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Errno = Fuse4fs.KernelTwin.Wire.Errno;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>A volume made by mke2fs, served as it is on a real mount, under a twin of the kernel.</summary>
internal sealed class VolumeBench : IDisposable
{
    private const int DeviceNumber = 1000;

    private readonly LogKeeper _warnings = new();
    private readonly Logger _log;
    private readonly TestImage _image;
    private readonly FileStorage _file;
    private readonly TwinOptions _options;
    private StripedImage? _set;

    /// <param name="options">Which kernel.</param>
    /// <param name="features">For mke2fs.</param>
    /// <param name="sizeBytes">Of the image.</param>
    /// <param name="wrap">Puts something between the volume and its image.</param>
    public VolumeBench(
        TwinOptions options, string features, long sizeBytes = 16 << 20, Func<IBlockStorage, IBlockStorage>? wrap = null)
    {
        _options = options;
        _log = new LoggerConfiguration().MinimumLevel.Warning().WriteTo.Sink(_warnings).CreateLogger();
        _image = new TestImage(features, sizeBytes);
        _file = new FileStorage(_image.Path);
        Storage = new LockedStorage(wrap?.Invoke(_file) ?? _file);
        Bench = new Bench(_ => Mount());
    }

    public Bench Bench { get; }

    public LockedStorage Storage { get; }

    /// <summary>Until it is cleared, a write to the device is an error: the volume is frozen.</summary>
    public bool MustNotWrite { get; set; }

    public string ImagePath => _image.Path;

    /// <summary>What the kernel is told to keep of one file's mappings.</summary>
    public uint CacheBytes { get; init; } = 1 << 18;

    /// <summary>Between commits that nobody asks for.</summary>
    public TimeSpan CommitInterval { get; init; } = new VolumeOptions().CommitInterval;

    /// <summary>What the device is said to write as a whole or not at all, bytes.</summary>
    public int AtomicWriteBytes { get; init; }

    /// <summary>Puts something between the kernel and the device, which the server's own access does not meet.</summary>
    public Func<IBlockStorage, IBlockStorage> KernelSide { get; init; } = static storage => storage;

    /// <summary>Spread over so many devices.</summary>
    public int Members { get; init; } = 1;

    /// <summary>Of the present mount.</summary>
    public Volume Volume { get; private set; } = null!;

    public ThreadedServer Server { get; private set; } = null!;

    /// <summary>For requests that the twin does not send.</summary>
    public VolumeRequests Requests { get; private set; } = null!;

    /// <summary>How many requests or notifications of a kind the twin has seen since it was last asked for any.</summary>
    public static int Count(string[] lines, string word) => lines.Count(line => line.Contains(word, StringComparison.Ordinal));

    /// <summary>What was logged as a warning or worse.</summary>
    public IReadOnlyCollection<string> Warnings => _warnings.Messages;

    /// <summary>Unmounts, and asks e2fsck.</summary>
    public void Finish()
    {
        Bench.Finish();
        _set?.JoinInto(_image.Path);
        E2fsck.AssertClean(_image.Path);
    }

    public void Dispose()
    {
        Bench.Dispose();
        _file.Dispose();
        _image.Dispose();
        _log.Dispose();
    }

    private TwinKernel Mount()
    {
        var kernel = new TwinKernel(_options);
        _set ??= Members > 1 ? StripedImage.Split(_image.Path, Members) : null;
        LockedStorage[] storages = _set is null ? [Storage] : _set.Members;
        for (int i = 0; i < storages.Length; i++)
        {
            kernel.RegisterDescriptor(DeviceNumber + i, new BackingDescriptor(KernelSide(storages[i])));
        }
        IBlockDevice[] devices = [.. storages.Select(storage => new StorageDevice(storage) { IsFrozen = () => MustNotWrite })];
        IBlockDevice device = _set is null ? devices[0] : new StripedDevice(devices, StripedImage.WidthBytes);
        var events = new EngineEventLog(_log);
        Volume = Volume.Open(device, new VolumeOptions
        {
            Events = events,
            CommitInterval = CommitInterval,
            TellsPlaces = true,
        });
        var options = new ServeOptions { Source = "image", MountPoint = "/", FakeRoot = true };
        var server = new ServedVolume(Volume, options, null!, isReadOnly: false, _log);
        Volume volume = Volume;
        bool isLetGo = false;
        server.LetGo = () =>
        {
            if (!isLetGo)
            {
                isLetGo = true;
                server.Dispose();
                volume.Dispose();
            }
        };
        IomapDevice[] told = [.. storages.Select((storage, index) => new IomapDevice(
            new FileDescriptor(DeviceNumber + index, ownsHandle: false), storage.LengthBytes, 0)
        {
            AtomicWriteBytes = AtomicWriteBytes,
        })];
        IomapVolume iomap = told.Length == 1
            ? new IomapVolume(told[0]) { Server = server, CacheBytes = CacheBytes }
            : new IomapVolume(told, StripedImage.WidthBytes) { Server = server, CacheBytes = CacheBytes };
        Requests = new VolumeRequests(server, iomap);
        Server = new ThreadedServer(Requests, new SessionOptions
        {
            Iomap = iomap,
            Log = _log,
            Capabilities = MountPlan.Capabilities(options, isReadOnly: false, isPrivate: false),
        }, () => server.LetGo());
        kernel.Device.Ioctl((uint)DeviceIoctl.SyncInit, []);
        kernel.Attach(Server);
        Bench.Equal(Errno.Ok, kernel.Mount(), "mount");
        return kernel;
    }

    private sealed class LogKeeper : ILogEventSink
    {
        private readonly List<string> _messages = [];

        public IReadOnlyCollection<string> Messages
        {
            get
            {
                lock (_messages)
                {
                    return [.. _messages];
                }
            }
        }

        public void Emit(LogEvent logEvent)
        {
            lock (_messages)
            {
                _messages.Add(logEvent.RenderMessage(CultureInfo.InvariantCulture) + logEvent.Exception);
            }
        }
    }
}
