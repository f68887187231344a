using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>Sizes, space, durability, extents, swap, memory mappings.</summary>
public sealed partial class TwinProcess
{
    public async Task<long> Ftruncate(int fd, long size)
    {
        if (File(fd) is not { CanWrite: true } file)
        {
            return Fail(Errno.EINVAL);
        }
        await _kernel.Syncing.WaitForThaw();
        return size < 0 ? Fail(Errno.EINVAL) : Fail(await Truncate(file.Inode, size, file));
    }

    public async Task<long> Truncate(string path, long size)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows: true);
        if (error != Errno.Ok || inode is null)
        {
            return Fail(error);
        }
        if (!inode.IsRegular || size < 0)
        {
            return Fail(inode.IsDirectory ? Errno.EISDIR : Errno.EINVAL);
        }
        if (inode.IsImmutable || inode.IsAppendOnly)
        {
            return Fail(Errno.EPERM);
        }
        if (!Names.PathWalk.MayAccess(Caller, inode, Write))
        {
            return Fail(Errno.EACCES);
        }
        await _kernel.Syncing.WaitForThaw();
        return Fail(await Truncate(inode, size, null));
    }

    public async Task<long> Fallocate(int fd, int mode, long offset, long length)
    {
        if (File(fd) is not { CanWrite: true } file)
        {
            return Fail(Errno.EBADF);
        }
        if (offset < 0 || length <= 0)
        {
            return Fail(Errno.EINVAL);
        }
        await _kernel.Syncing.WaitForThaw();
        return await Locked(file.Inode, async () => Fail(await _kernel.Fallocation.Run(Caller, file, mode, offset, length)));
    }

    /// <summary>copy_file_range(2); what the server does not copy, the kernel does.</summary>
    public async Task<long> CopyFileRange(int source, long from, int target, long to, long length)
    {
        if (File(source) is not { CanRead: true } input || File(target) is not { CanWrite: true } output)
        {
            return Fail(Errno.EBADF);
        }
        length = Math.Min(length, input.Inode.Size - from);
        if (length <= 0)
        {
            return 0;
        }
        if (input.Inode == output.Inode && from < to + length && to < from + length)
        {
            return Fail(Errno.EINVAL);
        }
        await _kernel.Syncing.WaitForThaw();
        Inode inode = output.Inode;
        long copied = 0;
        Errno error = Errno.Ok;
        await Locked(inode, async () =>
        {
            if (to > inode.Size && inode.IsIomap)
            {
                error = await _kernel.Zeroing.Run(Caller, inode, inode.Size, to);
            }
            if (error == Errno.Ok)
            {
                (copied, error) = await _kernel.Copying.Run(Caller, input, from, output, to, length);
            }
            return 0;
        });
        if (error != Errno.EOPNOTSUPP)
        {
            return error != Errno.Ok ? Fail(error) : copied;
        }
        byte[] data = new byte[length];
        long read = await Pread(source, data, from);
        return read <= 0 ? read : await Pwrite(target, data.AsMemory(0, (int)read), to);
    }

    public async Task<long> Fsync(int fd, bool dataOnly = false) =>
        File(fd) is { } file ? Fail(await _kernel.Syncing.Fsync(Caller, file, dataOnly)) : Fail(Errno.EBADF);

    public async Task<long> SyncFileRange(int fd, long offset, long length) =>
        File(fd) is { } file ? Fail(await _kernel.Syncing.Range(Caller, file, offset, offset + length)) : Fail(Errno.EBADF);

    public async Task<long> Syncfs() => Fail(await _kernel.Syncing.Syncfs(Caller));

    public async Task<long> Freeze() => Fail(await _kernel.Syncing.Freeze(Caller));

    public async Task<long> Thaw() => Fail(await _kernel.Syncing.Thaw(Caller));

    /// <summary>POSIX_FADV_DONTNEED.</summary>
    public Task<long> DropCache(int fd)
    {
        if (File(fd) is { Inode.Walks: 0 } file)
        {
            file.Inode.Pages.DropClean(0, long.MaxValue);
        }
        return Task.FromResult(0L);
    }

    /// <param name="whence">SEEK_DATA 3 or SEEK_HOLE 4.</param>
    public async Task<long> Seek(int fd, long offset, uint whence)
    {
        if (File(fd) is not { } file)
        {
            return Fail(Errno.EBADF);
        }
        (long position, Errno error) = await _kernel.Reporting.Seek(Caller, file, offset, whence);
        return error != Errno.Ok ? Fail(error) : position;
    }

    public async Task<(IReadOnlyList<Mapping> Extents, long Error)> Fiemap(int fd, long start, long length, bool syncs = false)
    {
        if (File(fd) is not { } file)
        {
            return ([], Fail(Errno.EBADF));
        }
        (IReadOnlyList<Mapping> extents, Errno error) = await _kernel.Reporting.Fiemap(Caller, file, start, length, syncs);
        return (extents, Fail(error));
    }

    public async Task<long> Fibmap(int fd, long block)
    {
        if (File(fd) is not { } file)
        {
            return Fail(Errno.EBADF);
        }
        (long found, Errno error) = await _kernel.Reporting.Fibmap(Caller, file, block);
        return error != Errno.Ok ? Fail(error) : found;
    }

    public async Task<long> SwapOn(string path)
    {
        long fd = await Open(path, OpenFlags.ReadWrite);
        if (fd < 0)
        {
            return fd;
        }
        long error = await Fsync((int)fd, dataOnly: true);
        error = error < 0 ? error : Fail(await _kernel.Reporting.SwapOn(Caller, File((int)fd)!));
        if (error < 0)
        {
            await Close((int)fd);
            return error;
        }
        return fd;
    }

    /// <param name="fd">What SwapOn returned.</param>
    public async Task<long> SwapOff(string path, int fd)
    {
        long second = await Open(path, OpenFlags.ReadWrite);
        if (second < 0)
        {
            return second;
        }
        Errno error = await _kernel.Reporting.SwapOff(Caller, File(fd)!.Inode, Errno.Ok);
        await Close(fd);
        await Close((int)second);
        return Fail(error);
    }

    /// <summary>mmap(2), shared.</summary>
    public TwinMap? Mmap(int fd, bool isWritable)
    {
        if (File(fd) is not { CanRead: true } file || (isWritable && !file.CanWrite))
        {
            return null;
        }
        file.References++;
        file.Inode.Maps++;
        return new TwinMap(_kernel, this, file, isWritable);
    }

    private Task<Errno> Truncate(Inode inode, long size, OpenFile? file) =>
        Locked(inode, () => _kernel.Truncation.Run(Caller, inode, size, file));

    private static async Task<T> Locked<T>(Inode inode, Func<Task<T>> body)
    {
        await inode.Lock.EnterExclusive();
        try
        {
            return await body();
        }
        finally
        {
            inode.Lock.ExitExclusive();
        }
    }
}
