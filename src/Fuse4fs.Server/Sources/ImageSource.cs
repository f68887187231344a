using System.Diagnostics;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Sources;

/// <summary>The image or device of a mount: opened, claimed against other users for as long as this object lives.
/// A regular file is claimed by flock, shared for read-only mounts, exclusive for others; a block device by an
/// exclusive open, which the kernel's own mounts respect.</summary>
public sealed class ImageSource : IDisposable
{
    private static readonly TimeSpan ReleaseWait = TimeSpan.FromSeconds(3);

    private readonly FileDescriptor? _backingLock;
    private FileDescriptor? _claim;

    private ImageSource(ImageFile image, string path, FileStatus status, FileDescriptor? claim,
        FileDescriptor? backingLock, string? notice)
    {
        Image = image;
        Path = path;
        Status = status;
        _claim = claim;
        _backingLock = backingLock;
        Notice = notice;
    }

    /// <summary>The open image. Whoever opens a volume on it owns and disposes of it, before this object.</summary>
    public ImageFile Image { get; }

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>What the path named when it was opened.</summary>
    public FileStatus Status { get; }

    public bool IsBlockDevice => Image.IsBlockDevice;

    /// <summary>One line for the user about what is not as asked; null when all is.</summary>
    public string? Notice { get; }

    /// <summary>Opens and claims.</summary>
    /// <exception cref="MountRefusedException">It does not exist, is neither file nor block device, may not be read,
    /// or somebody else uses it.</exception>
    public static ImageSource Open(ServeOptions options)
    {
        if (options.Given is { } given)
        {
            return Adopt(options, given);
        }
        string source = options.Source;
        FileStatus status = Examine(source);
        RefuseOtherUsers(source, in status, options.ReadOnly);
        FileDescriptor? claim = status.FileType == FileStatus.BlockDevice ? ClaimDevice(source, in status) : null;
        FileDescriptor? backingLock = null;
        ImageFile? image = null;
        try
        {
            image = OpenImage(options, out string? notice);
            if (claim is null)
            {
                LockFile(image.Descriptor, source, in status, image.IsReadOnly);
            }
            else
            {
                backingLock = LockBackingFile(source, in status, image.IsReadOnly);
            }
            return new ImageSource(image, System.IO.Path.GetFullPath(source), status, claim, backingLock, notice);
        }
        catch
        {
            image?.Dispose();
            backingLock?.Dispose();
            claim?.Dispose();
            throw;
        }
    }

    /// <summary>Gives up the exclusive claim on a block device: the kernel makes its own when it mounts the device with
    /// the type fuseblk, and ours would be in its way.</summary>
    public void YieldClaim()
    {
        _claim?.Dispose();
        _claim = null;
    }

    /// <summary>Opens the block device for I/O past its page cache. That is the claim from now on.</summary>
    /// <returns>As <see cref="DirectDevice.Open"/>; Invalid also for sectors larger than so many bytes.</returns>
    public Errno OpenDirectly(int mostSectorBytes, out DirectDevice? device)
    {
        YieldClaim();
        Errno error = DirectDevice.Open(Path, Image.IsReadOnly, Image.OffsetBytes, out device);
        if (device is not null && device.SectorBytes > mostSectorBytes)
        {
            device.Dispose();
            device = null;
            error = Errno.Invalid;
        }
        if (error != Errno.Ok)
        {
            Reclaim();
        }
        return error;
    }

    /// <summary>Claims a block device again after <see cref="YieldClaim"/>.</summary>
    /// <exception cref="MountRefusedException">Somebody else has it now.</exception>
    public void Reclaim() => _claim ??= IsBlockDevice ? ClaimDevice(Path, Status) : null;

    /// <summary>Lets others have the source.</summary>
    public void Dispose()
    {
        Image.Dispose();
        _backingLock?.Dispose();
        YieldClaim();
    }

    /// <summary>Opened by the helper of a mount service with the rights of the one who mounts, a device exclusively. The
    /// path is his, not ours: it is not looked at.</summary>
    private static ImageSource Adopt(ServeOptions options, GivenFiles given)
    {
        string source = options.Source;
        FileStatus status = CheckKind(source, LibC.Status(given.Image, out FileStatus found), found);
        Errno error = ImageFile.Adopt(
            given.Image, options.ReadOnly || given.IsImageReadOnly, options.OffsetBytes, out ImageFile? image);
        if (error != Errno.Ok)
        {
            throw Refusal(source, error);
        }
        try
        {
            if (!image!.IsBlockDevice)
            {
                LockFile(image.Descriptor, source, in status, image.IsReadOnly);
            }
            string? notice = image.IsReadOnly && !options.ReadOnly ? WriteProtected(source) : null;
            return new ImageSource(image, source, status, null, null, notice);
        }
        catch
        {
            image!.Dispose();
            throw;
        }
    }

    private static string WriteProtected(string source) => $"{source}: write-protected, mounted read-only";

    private static FileStatus Examine(string source) =>
        CheckKind(source, LibC.Status(source, out FileStatus status), status);

    private static FileStatus CheckKind(string source, Errno error, FileStatus status)
    {
        if (error != Errno.Ok)
        {
            throw new MountRefusedException(error switch
            {
                Errno.NoEntry => $"{source}: no such file",
                Errno.AccessDenied => $"{source}: no permission to reach it",
                _ => $"{source}: {error}",
            });
        }
        return status.FileType switch
        {
            FileStatus.Regular or FileStatus.BlockDevice => status,
            FileStatus.Directory => throw new MountRefusedException($"{source}: a directory, not an image"),
            _ => throw new MountRefusedException($"{source}: neither a file nor a block device"),
        };
    }

    private static void RefuseOtherUsers(string source, in FileStatus status, bool isReadOnly)
    {
        if (status.FileType == FileStatus.BlockDevice)
        {
            if (ConflictSearch.MountOf(in status) is { } mount)
            {
                throw new MountRefusedException($"{source}: already mounted on {mount.MountPoint}");
            }
            return;
        }
        foreach (LoopDevice loop in ConflictSearch.LoopDevicesOf(in status))
        {
            if (loop.Mount is { } mount && (!isReadOnly || loop.IsMountedForWriting))
            {
                throw new MountRefusedException($"{source}: already mounted on {mount.MountPoint} through {loop.Path}");
            }
            if (!isReadOnly)
            {
                if (ConflictSearch.LockHolderOf(in status) is { } holder)
                {
                    throw new MountRefusedException($"{source}: attached to {loop.Path}, which is used by {holder}");
                }
                throw new MountRefusedException(
                    $"{source}: attached to {loop.Path}; mount that device, or detach it, or mount with -o ro");
            }
        }
    }

    private static FileDescriptor ClaimDevice(string source, in FileStatus status)
    {
        FileDescriptor claim = LibC.Open(source,
            OpenFlags.ReadOnly | OpenFlags.Exclusive | OpenFlags.CloseOnExec | OpenFlags.NonBlocking, 0);
        if (!claim.IsInvalid)
        {
            return claim;
        }
        Errno error = LibC.LastError;
        throw error == Errno.Busy
            ? new MountRefusedException($"{source}: in use{Holder(in status)}")
            : Refusal(source, error);
    }

    private static ImageFile OpenImage(ServeOptions options, out string? notice)
    {
        notice = null;
        Errno error = Errno.ReadOnly;
        ImageFile? image = null;
        if (!options.ReadOnly)
        {
            error = TryOpen(options, isReadOnly: false, out image);
            if (error is Errno.AccessDenied or Errno.NotPermitted or Errno.ReadOnly)
            {
                notice = WriteProtected(options.Source);
            }
            else if (error != Errno.Ok)
            {
                throw Refusal(options.Source, error);
            }
        }
        if (image is null)
        {
            error = TryOpen(options, isReadOnly: true, out image);
        }
        return error == Errno.Ok ? image! : throw Refusal(options.Source, error);
    }

    private static Errno TryOpen(ServeOptions options, bool isReadOnly, out ImageFile? image)
    {
        Errno error = ImageFile.Open(options.Source, isReadOnly, options.OffsetBytes, isExclusive: false, out image);
        if (error is Errno.AccessDenied or Errno.NotPermitted or Errno.NoDeviceAddress
            && DescriptorPath.Number(options.Source) is int number)
        {
            // Opened by somebody with more rights and handed to us: use it as it is.
            const int getFlags = 3;
            int flags = LibC.FileControl(number, getFlags, 0);
            bool canWrite = flags >= 0 && ((OpenFlags)flags & OpenFlags.AccessMask) == OpenFlags.ReadWrite;
            if (flags >= 0 && (isReadOnly || canWrite))
            {
                const int duplicateCloseOnExec = 1030;
                return ImageFile.Adopt(new FileDescriptor(LibC.FileControl(number, duplicateCloseOnExec, 3)), isReadOnly,
                    options.OffsetBytes, out image);
            }
        }
        return error;
    }

    private static MountRefusedException Refusal(string source, Errno error) => new(error switch
    {
        Errno.NoEntry => $"{source}: no such file",
        Errno.AccessDenied or Errno.NotPermitted => $"{source}: no permission to read it",
        Errno.Busy => $"{source}: in use",
        Errno.TextBusy => $"{source}: being executed",
        Errno.Invalid => $"{source}: the offset lies beyond its end",
        Errno.NoDevice or Errno.NoDeviceAddress => $"{source}: there is no such device",
        _ => $"{source}: {error}",
    });

    private static void LockFile(FileDescriptor file, string source, in FileStatus status, bool isReadOnly)
    {
        int operation = (isReadOnly ? LibC.LockShared : LibC.LockExclusive) | LibC.LockNoWait;
        long start = Stopwatch.GetTimestamp();
        while (LibC.Lock(file, operation) != 0)
        {
            Errno error = LibC.LastError;
            if (error == Errno.Interrupted)
            {
                continue;
            }
            if (error is not Errno.Again)
            {
                // A file system without locks: nothing to lock, nobody to meet.
                return;
            }
            if (IsMountedHere(source) || Stopwatch.GetElapsedTime(start) > ReleaseWait)
            {
                throw new MountRefusedException($"{source}: locked{Holder(in status)}");
            }
            // Unmounted, but its server still writes back: it is about to let go.
            Thread.Sleep(20);
        }
    }

    private static FileDescriptor? LockBackingFile(string source, in FileStatus device, bool isReadOnly)
    {
        if (ConflictSearch.BackingFileOf(in device) is not { } backing
            || LibC.Status(backing, out FileStatus status) != Errno.Ok)
        {
            return null;
        }
        FileDescriptor file = LibC.Open(backing, OpenFlags.ReadOnly | OpenFlags.CloseOnExec, 0);
        if (file.IsInvalid)
        {
            file.Dispose();
            return null;
        }
        try
        {
            LockFile(file, $"{source} ({backing})", in status, isReadOnly);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static bool IsMountedHere(string source) => MountTable.Read().Any(entry =>
        entry.Type.StartsWith("fuse", StringComparison.Ordinal) && entry.Source == source);

    private static string Holder(in FileStatus status) =>
        ConflictSearch.LockHolderOf(in status) is { } holder ? $" by {holder}" : " by another process";
}
