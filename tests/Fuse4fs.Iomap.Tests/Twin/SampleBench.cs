using System.Globalization;
using Fuse4fs.Fuse;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Samples;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Errno = Fuse4fs.KernelTwin.Wire.Errno;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>The sample file system on the twin, ready for scenarios.</summary>
internal sealed class SampleBench : IDisposable
{
    /// <summary>The number of the device's descriptor: only the twin looks at it.</summary>
    public const int DeviceNumber = 1000;

    private const long DeviceBytes = 16 << 20;

    private readonly FileDescriptor _descriptor = new(DeviceNumber, ownsHandle: false);
    private readonly ErrorKeeper _errors = new();
    private readonly Logger _log;

    public SampleBench(TwinOptions options, bool isPumped, bool uploads, IBlockStorage? storage = null)
    {
        _log = new LoggerConfiguration().WriteTo.Sink(_errors).CreateLogger();
        Storage = storage ?? new MemoryStorage(DeviceBytes);
        Sample = NewSample(uploads);
        Bench = new Bench(isFresh =>
        {
            Sample = isFresh ? NewSample(uploads) : Sample;
            var kernel = new TwinKernel(options);
            kernel.RegisterDescriptor(DeviceNumber, new BackingDescriptor(Storage));
            kernel.Device.Ioctl((uint)DeviceIoctl.SyncInit, []);
            Server = isPumped
                ? new PumpedServer(Sample.Tree, Options())
                : new ThreadedServer(Sample.Tree, Options());
            kernel.Attach(Server);
            Bench.Equal(Errno.Ok, kernel.Mount(), "mount");
            return kernel;
        });
    }

    public IBlockStorage Storage { get; }

    public IomapFileSystem Sample { get; private set; }

    public Bench Bench { get; }

    public ITwinServer? Server { get; private set; }

    /// <summary>What was logged as an error: mappings that were not sent, handlers that threw.</summary>
    public IReadOnlyCollection<string> Errors => _errors.Messages;

    public SessionOptions Options() => new()
    {
        Iomap = Sample,
        Log = _log,
        Capabilities = new CapabilityRequest { Flags = NullFileSystem.Wanted, MaxWriteBytes = 1 << 16 },
    };

    public void Dispose()
    {
        Bench.Dispose();
        _log.Dispose();
        Sample.Tree.Dispose();
    }

    private IomapFileSystem NewSample(bool uploads) => new(_descriptor, DeviceBytes) { Uploads = uploads };

    private sealed class ErrorKeeper : ILogEventSink
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
            if (logEvent.Level >= LogEventLevel.Warning)
            {
                lock (_messages)
                {
                    _messages.Add(logEvent.RenderMessage(CultureInfo.InvariantCulture));
                }
            }
        }
    }
}
