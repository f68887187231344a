using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Samples;

/// <summary>Mounts a sample and serves it until it is unmounted, or a signal asks for that.</summary>
internal static class SampleMount
{
    public static void Serve(
        SampleSettings settings, IRequestHandler handler, InitFlags wanted, ILogger log, IomapHandler? iomap = null)
    {
        FuseMount mount = FuseMount.Mount(settings.MountPoint, settings.Mount);
        using var session = new FuseSession(mount.Device, handler, Options(settings, wanted, log) with { Iomap = iomap });
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            Errno error = mount.Unmount(lazily: true);
            Console.Error.WriteLine(error == Errno.Ok ? "unmounted" : $"cannot unmount: {error}");
        }
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        session.Start();
        if (session.IomapRefusal is string reason)
        {
            _ = mount.Unmount(lazily: true);
            throw new IOException($"no block mappings: {reason}");
        }
        if (settings.ReadAheadKilobytes > 0
            && BackingDevice.Find(mount.MountPoint)?.SetReadAhead(settings.ReadAheadKilobytes) != Errno.Ok)
        {
            Console.Error.WriteLine("the kernel's read-ahead stays as it is");
        }
        session.WaitForEnd();
        PrintCounts(session.Counts());
    }

    private static SessionOptions Options(SampleSettings settings, InitFlags wanted, ILogger log) => new()
    {
        Workers = settings.Workers,
        Log = log,
        Capabilities = new CapabilityRequest { Flags = (wanted & ~settings.Without) | settings.Also },
    };

    private static void PrintCounts(OperationCount[] counts)
    {
        for (int slot = 0; slot < counts.Length; slot++)
        {
            OperationCount count = counts[slot];
            if (count.Requests > 0)
            {
                double average = count.Total.TotalMicroseconds / count.Requests;
                Console.WriteLine($"{OperationTable.NameOf(slot),-16} {count.Requests,10} requests "
                    + $"{average,8:F1} us on average {count.Longest.TotalMicroseconds,10:F0} us longest");
            }
        }
    }
}
