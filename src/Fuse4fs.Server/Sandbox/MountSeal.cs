using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Sandbox;

/// <summary>Seals the server of a mount that is ready.</summary>
internal static class MountSeal
{
    /// <exception cref="MountRefusedException">Strictness was asked for, and this machine does not have it.</exception>
    public static void RefuseImpossible(ServeOptions options)
    {
        if (options.Sandbox == SandboxMode.Strict && Seal.WhyNotStrict() is string reason)
        {
            throw Refusal(options, reason);
        }
    }

    /// <summary>Gives up what serving does not need. To be called when everything is open that this process will ever
    /// open.</summary>
    /// <exception cref="MountRefusedException">Strictness was asked for and is not to be had.</exception>
    public static void Apply(ServedVolume server, FuseMount mount, FuseSession session)
    {
        ServeOptions options = server.Options;
        if (options.Sandbox == SandboxMode.Off)
        {
            return;
        }
        bool isStrict = options.Sandbox == SandboxMode.Strict;
        string? obstacle = (isStrict ? null : SealObstacle.Find()) ?? WhyNoUnmounting(mount) ?? StartHelpers(server, mount);
        if (obstacle is not null)
        {
            if (isStrict)
            {
                throw Refusal(options, obstacle);
            }
            ServerLog.NotSealed(server.Log, obstacle);
            return;
        }
        session.Settle();
        List<string> missing;
        lock (server.FileGate)
        {
            bool hasRings = session.Capabilities.Has(InitFlags.OverIoUring) || session.Capabilities.Iomap is not null;
            missing = Seal.Apply(options.Sandbox, hasRings);
        }
        if (missing.Count > 0)
        {
            if (isStrict)
            {
                throw Refusal(options, string.Join(", ", missing));
            }
            ServerLog.SealedInPart(server.Log, string.Join(", ", missing));
        }
    }

    private static MountRefusedException Refusal(ServeOptions options, string reason) =>
        new($"{options.Source}: sandbox=strict cannot be had: {reason}");

    /// <summary>Later only programs can take the mount away, and they ask who calls them.</summary>
    private static string? WhyNoUnmounting(FuseMount mount)
    {
        if (mount.IsAdopted)
        {
            return null;
        }
        if (LibC.GetEffectiveUid() != 0 && !mount.IsByHelper)
        {
            return "with capabilities but not as root, umount would not do for the server what the kernel does";
        }
        string program = mount.IsByHelper ? "fusermount3" : "umount";
        string[] places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'),
            "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        return places.Any(place => place.Length > 0 && File.Exists(Path.Combine(place, program)))
            ? null
            : $"there is no {program}";
    }

    private static string? StartHelpers(ServedVolume server, FuseMount mount)
    {
        var files = new OutsideFiles(MountPoint: mount.IsAdopted ? "" : mount.MountPoint)
        {
            Socket = server.Control?.Path ?? "",
            SocketInode = server.Control?.Inode ?? 0,
            LockFile = server.LockFile?.Path ?? "",
            OfRuntime = ProgramPlaces.DiagnosticFiles(),
        };
        if (server.Options.Given is not null && files is { Socket: "", LockFile: "", OfRuntime.Count: 0 })
        {
            // All that there will be to do is done by who mounted.
            return null;
        }
        Errno error = OutsideHelper.TryStart(files, out OutsideHelper? helper);
        OutsideHelper? writer = null;
        if (error == Errno.Ok && server.Options.MetricsFile is string metrics)
        {
            // One of its own: nothing else may wait for a slow disk.
            error = OutsideHelper.TryStart(new OutsideFiles { MetricsFile = metrics }, out writer);
        }
        if (error != Errno.Ok)
        {
            helper?.Dispose();
            writer?.Dispose();
            return $"no helper can be started ({error})";
        }
        server.Outside = helper;
        server.LockFile?.Remover = helper!.RemoveLockFile;
        server.MetricsWriter = writer;
        return null;
    }
}
