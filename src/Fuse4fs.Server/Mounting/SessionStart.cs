using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Server.Iomap;
using Fuse4fs.Server.Opens;
using Fuse4fs.Server.Sandbox;
using Fuse4fs.Server.Sources;
using Serilog;

namespace Fuse4fs.Server.Mounting;

/// <summary>Mounts a volume and sets its session to work: data through the server, or moved by the kernel.</summary>
internal static class SessionStart
{
    /// <exception cref="FuseException">It cannot be mounted.</exception>
    public static (FuseMount Mount, FuseSession Session) Mount(ServedVolume server, MountOptions plan)
    {
        ServeOptions options = server.Options;
        FuseMount mount = options.Given is { } given
            ? FuseMount.Mount(options.MountPoint, plan, given.Service)
            : FuseMount.Mount(options.MountPoint, plan);
        server.Written = mount.IsAdopted && !server.IsReadOnly ? new WrittenFiles() : null;
        var session = new FuseSession(mount.Device, new VolumeRequests(server), OptionsOf(server));
        try
        {
            session.Start();
            return (mount, session);
        }
        catch
        {
            End(mount, session);
            throw;
        }
    }

    /// <exception cref="FuseException">It cannot be mounted.</exception>
    /// <exception cref="MountRefusedException">The kernel's iomap is not one we know, and it was asked for.</exception>
    public static (FuseMount Mount, FuseSession Session) Mount(ServedVolume server, MountOptions plan, IomapMount iomap)
    {
        IomapDevice[] devices = [.. iomap.Devices.Select(device => new IomapDevice(
            device.Descriptor, device.OffsetBytes + device.LengthBytes, device.OffsetBytes)
        {
            AtomicWriteBytes = AtomicWrites.LargestOf(device.Path),
        })];
        IomapVolume handler = devices.Length == 1
            ? new IomapVolume(devices[0]) { Server = server }
            : new IomapVolume(devices, iomap.StripeBytes) { Server = server };
        FuseSession session = iomap.CreateSession(
            new VolumeRequests(server, handler), OptionsOf(server) with { Iomap = handler });
        FuseMount mount = iomap.Mount(server.Options.MountPoint, plan, session);
        try
        {
            if (session.IomapRefusal is { } refusal)
            {
                RefuseIomap(server.Options, refusal, server.Log);
            }
            return (mount, session);
        }
        catch
        {
            End(mount, session);
            throw;
        }
    }

    /// <summary>Data has to pass through the server.</summary>
    /// <exception cref="MountRefusedException">Which is not what was asked for.</exception>
    public static void RefuseIomap(ServeOptions options, string why, ILogger log)
    {
        if (options.Iomap == IomapChoice.On)
        {
            throw new MountRefusedException($"{options.Source}: iomap=on is not possible: {why}");
        }
        ServerLog.NoIomap(log, why);
    }

    private static void End(FuseMount mount, FuseSession session)
    {
        _ = mount.Unmount(lazily: true);
        session.Dispose();
    }

    private static SessionOptions OptionsOf(ServedVolume server) => new()
    {
        Capabilities = MountPlan.Capabilities(server.Options, server.IsReadOnly, server.IsPrivate) with
        {
            TimeGranularityNanoseconds = MountPlan.TimeGranularityOf(server.Volume.Context.Geometry),
        },
        Workers = server.Options.Threads,
        ClonesAhead = server.Options.Sandbox != SandboxMode.Off,
        Log = server.Log,
    };
}
