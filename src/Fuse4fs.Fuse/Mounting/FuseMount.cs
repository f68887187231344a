using System.Globalization;
using Fuse4fs.Fuse.Mounting.Service;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting;

/// <summary>A mounted FUSE file system, or a descriptor that somebody else has mounted or will mount.</summary>
/// <remarks>After mounting the kernel waits for a <see cref="FuseSession"/> on <see cref="Device"/>; until that has
/// started nobody may touch the mount point, this process least of all.</remarks>
public sealed class FuseMount
{
    private const uint DirectoryMode = 0x4000;
    private const string AdoptedPrefix = "/dev/fd/";

    private FuseMount(string mountPoint, FuseDevice device, bool isAdopted)
    {
        MountPoint = mountPoint;
        Device = device;
        IsAdopted = isAdopted;
    }

    /// <summary>Absolute, without symbolic links; for an adopted descriptor as it was given.</summary>
    public string MountPoint { get; }

    /// <summary>Connected to the mount. The session takes it over.</summary>
    public FuseDevice Device { get; }

    /// <summary>Whether the descriptor was given to us: then mounting and unmounting are not our business.</summary>
    public bool IsAdopted { get; }

    /// <summary>Whether fusermount3 made it, which also has to unmount it.</summary>
    public bool IsByHelper { get; private init; }

    /// <summary>Mounts: by mount(2) where we may, which includes root of a user namespace, else by fusermount3. A
    /// mount point of the form /dev/fd/N means the open /dev/fuse that this process has as descriptor N.</summary>
    /// <exception cref="FuseException">With a sentence for the user.</exception>
    public static FuseMount Mount(string mountPoint, MountOptions options)
    {
        if (TryAdopt(mountPoint, out FuseMount? adopted))
        {
            return adopted!;
        }
        string target = ResolveFree(mountPoint, options);
        Errno error = TryMountDirectly(target, options, out FuseDevice? device);
        if (error is Errno.NotPermitted or Errno.AccessDenied && !options.FuseBlock)
        {
            device = MountHelper.Mount(target, options);
            return new FuseMount(target, device, isAdopted: false) { IsByHelper = true };
        }
        if (error != Errno.Ok)
        {
            throw new FuseException(error, Explain(error, target, options));
        }
        return new FuseMount(target, device!, isAdopted: false);
    }

    /// <summary>Has a mount service's helper mount, in its namespaces and with its rights.</summary>
    /// <exception cref="FuseException">It refuses.</exception>
    public static FuseMount Mount(string mountPoint, MountOptions options, MountService service) =>
        new(mountPoint, service.Mount(mountPoint, options), isAdopted: true);

    /// <summary>Mounts by mount(2), on a device opened before, with whatever was asked of it. Where that is synchronous INIT
    /// (FUSE_DEV_IOC_SYNC_INIT), a session has to read it in another thread: mount(2) returns when INIT, and what follows
    /// it, are answered.</summary>
    /// <param name="mountPoint">As for <see cref="Mount(string, MountOptions)"/>, of which /dev/fd/N is not possible.</param>
    /// <param name="options">What to mount.</param>
    /// <param name="device">Not connected yet. Stays the caller's when the mount fails.</param>
    /// <exception cref="FuseException">With a sentence for the user.</exception>
    public static FuseMount Mount(string mountPoint, MountOptions options, FuseDevice device)
    {
        string target = ResolveFree(mountPoint, options);
        Errno error = MountDirectly(target, options, device);
        return error == Errno.Ok
            ? new FuseMount(target, device, isAdopted: false)
            : throw new FuseException(error, Explain(error, target, options));
    }

    /// <summary>Mounts a block device once more that is mounted as fuseblk already: the kernel gives the new mount the
    /// superblock of the first one, and so its server, as with any file system on a device.</summary>
    /// <returns>Invalid when it is not mounted, Busy when it is with the other of ro and rw.</returns>
    /// <exception cref="FuseException">The mount point cannot be used.</exception>
    /// <remarks>Kernel: get_tree_bdev. Without a descriptor a superblock can be joined, not made.</remarks>
    public static Errno Join(string mountPoint, MountOptions options)
    {
        string target = Resolve(mountPoint);
        string data = options.ToKernelData(null, DirectoryMode, LibC.GetUid(), LibC.GetGid());
        return LibC.Mount(options.Source, target, options.Type, options.Flags, data) == 0 ? Errno.Ok : LibC.LastError;
    }

    /// <summary>Unmounts. The session on <see cref="Device"/> then ends.</summary>
    /// <param name="lazily">Also when it is in use: gone from the tree at once, served until its last user closes.</param>
    /// <returns>Busy when it is in use; Invalid when it is not mounted (any more).</returns>
    public Errno Unmount(bool lazily) => IsAdopted ? Errno.Invalid : Unmount(MountPoint, lazily);

    /// <summary>Unmounts what is mounted at a place, without touching it.</summary>
    public static Errno Unmount(string mountPoint, bool lazily)
    {
        int flags = LibC.UnmountNoFollow | (lazily ? LibC.UnmountDetach : 0);
        if (LibC.Unmount(mountPoint, flags) == 0)
        {
            return Errno.Ok;
        }
        Errno error = LibC.LastError;
        return error == Errno.NotPermitted && LibC.GetUid() != 0
            ? MountHelper.Unmount(mountPoint, lazily, out _)
            : error;
    }

    private static bool TryAdopt(string mountPoint, out FuseMount? mount)
    {
        mount = null;
        if (!mountPoint.StartsWith(AdoptedPrefix, StringComparison.Ordinal)
            || !int.TryParse(
                mountPoint.AsSpan(AdoptedPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            return false;
        }
        var descriptor = new FileDescriptor(number);
        if (LibC.Status(descriptor, out FileStatus status) != Errno.Ok
            || (status.RawDeviceMajor, status.RawDeviceMinor) != (FuseDevice.DeviceMajor, FuseDevice.DeviceMinor))
        {
            descriptor.SetHandleAsInvalid(); // Not ours to close.
            throw new FuseException(Errno.BadDescriptor, $"descriptor {number} is not an open {FuseDevice.Path}");
        }
        mount = new FuseMount(mountPoint, new FuseDevice(descriptor), isAdopted: true);
        return true;
    }

    private static string ResolveFree(string mountPoint, MountOptions options)
    {
        string target = Resolve(mountPoint);
        return MountTable.Find(target) is { } mounted && mounted.Source == options.Source && mounted.Type == options.Type
            ? throw new FuseException(Errno.Busy, $"{options.Source} is already mounted on {target}")
            : target;
    }

    private static string Resolve(string mountPoint)
    {
        string? target = LibC.RealPath(mountPoint);
        Errno error = LibC.LastError;
        if (target is null)
        {
            throw new FuseException(error, error switch
            {
                Errno.NoEntry => $"mount point {mountPoint} does not exist",
                Errno.NotConnected => $"mount point {mountPoint} has a dead mount on it; unmount that first",
                _ => $"mount point {mountPoint}: {error}",
            });
        }
        return Directory.Exists(target)
            ? target
            : throw new FuseException(Errno.NotDirectory, $"mount point {mountPoint} is not a directory");
    }

    private static Errno TryMountDirectly(string target, MountOptions options, out FuseDevice? device)
    {
        Errno error = FuseDevice.TryOpen(out device);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = MountDirectly(target, options, device!);
        if (error != Errno.Ok)
        {
            device!.Dispose();
            device = null;
        }
        return error;
    }

    private static Errno MountDirectly(string target, MountOptions options, FuseDevice device)
    {
        string data = options.ToKernelData(device.Descriptor.Number, DirectoryMode, LibC.GetUid(), LibC.GetGid());
        return LibC.Mount(options.Source, target, options.Type, options.Flags, data) == 0 ? Errno.Ok : LibC.LastError;
    }

    private static string Explain(Errno error, string target, MountOptions options) => error switch
    {
        Errno.NoEntry or Errno.NoDevice or Errno.NoDeviceAddress when !File.Exists(FuseDevice.Path)
            => $"this system has no {FuseDevice.Path} (module fuse, or a container without the device)",
        Errno.Busy => $"{options.Source} is in use",
        Errno.NotPermitted or Errno.AccessDenied => $"mounting as {options.Type} needs root",
        _ => $"{target} could not be mounted as {options.Type}: {error}",
    };
}
