using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>System calls for code that is not a task of the twin: each call runs the twin until it has its result.
/// Results are those of the calls, errors as negative errnos.</summary>
public sealed class PosixDriver(TwinKernel kernel, TwinProcess process)
{
    /// <summary>The same process, for concurrent callers.</summary>
    public TwinProcess Process => process;

    public long Open(string path, uint flags, uint mode = 0x1A4) => Run(() => process.Open(path, flags, mode));

    public long OpenTemporary(string directory, uint flags) => Run(() => process.OpenTemporary(directory, flags));

    public long Dup(long fd) => Run(() => process.Dup((int)fd));

    public long Close(long fd) => Run(() => process.Close((int)fd));

    public long Pwrite(long fd, byte[] data, long offset) => Run(() => process.Pwrite((int)fd, data, offset));

    public long Pwrite(long fd, UserBuffer buffer, long offset, WriteFlags flags = WriteFlags.None) =>
        Run(() => process.Pwrite((int)fd, buffer, offset, flags));

    public long Pread(long fd, byte[] target, long offset, WriteFlags flags = WriteFlags.None) =>
        Run(() => process.Pread((int)fd, target, offset, flags));

    public long PreadMisaligned(long fd, byte[] target, long offset, int misalignment) =>
        Run(() => process.Pread((int)fd, target, offset, WriteFlags.None, misalignment));

    public long Ftruncate(long fd, long size) => Run(() => process.Ftruncate((int)fd, size));

    public long Truncate(string path, long size) => Run(() => process.Truncate(path, size));

    public long Fallocate(long fd, int mode, long offset, long length) =>
        Run(() => process.Fallocate((int)fd, mode, offset, length));

    public long CopyFileRange(long source, long from, long target, long to, long length) =>
        Run(() => process.CopyFileRange((int)source, from, (int)target, to, length));

    public long Fsync(long fd) => Run(() => process.Fsync((int)fd));

    public long Fdatasync(long fd) => Run(() => process.Fsync((int)fd, dataOnly: true));

    public long SyncFileRange(long fd, long offset, long length) =>
        Run(() => process.SyncFileRange((int)fd, offset, length));

    public long Syncfs() => Run(process.Syncfs);

    public long Freeze() => Run(process.Freeze);

    public long Thaw() => Run(process.Thaw);

    public long DropCache(long fd) => Run(() => process.DropCache((int)fd));

    public long SeekData(long fd, long offset) => Run(() => process.Seek((int)fd, offset, 3));

    public long SeekHole(long fd, long offset) => Run(() => process.Seek((int)fd, offset, 4));

    public (IReadOnlyList<Mapping> Extents, long Error) Fiemap(long fd, long start, long length, bool syncs = false) =>
        kernel.Scheduler.Run(() => process.Fiemap((int)fd, start, length, syncs));

    public long Fibmap(long fd, long block) => Run(() => process.Fibmap((int)fd, block));

    public long SwapOn(string path) => Run(() => process.SwapOn(path));

    public long SwapOff(string path, long fd) => Run(() => process.SwapOff(path, (int)fd));

    public TwinMap? Mmap(long fd, bool isWritable) => process.Mmap((int)fd, isWritable);

    public bool Load(TwinMap map, long position, byte[] target) => kernel.Scheduler.Run(() => map.Load(position, target));

    public bool Store(TwinMap map, long position, byte[] data) => kernel.Scheduler.Run(() => map.Store(position, data));

    public long Msync(TwinMap map) => Run(map.Msync);

    public long Munmap(TwinMap map) => Run(map.Unmap);

    public (long Error, TwinStat? Stat) Stat(string path, bool follows = true) =>
        kernel.Scheduler.Run(() => process.Stat(path, follows));

    public (long Error, TwinStat? Stat) Fstat(long fd) => kernel.Scheduler.Run(() => process.Fstat((int)fd));

    public (long Error, AttributeWire.Statx Stat) Statx(string path) => kernel.Scheduler.Run(() => process.Statx(path));

    public long Chmod(string path, uint mode) => Run(() => process.Chmod(path, mode));

    public long Chown(string path, uint uid, uint gid) => Run(() => process.Chown(path, uid, gid));

    public long Utimens(string path, (Timestamp Atime, Timestamp Mtime)? times) => Run(() => process.Utimens(path, times));

    public long Unlink(string path) => Run(() => process.Unlink(path));

    public long Mkdir(string path, uint mode = 0x1ED) => Run(() => process.Mkdir(path, mode));

    public long Mknod(string path, uint mode, uint device = 0) => Run(() => process.Mknod(path, mode, device));

    public long Rmdir(string path) => Run(() => process.Rmdir(path));

    public long Rename(string from, string to, uint flags = 0) => Run(() => process.Rename(from, to, flags));

    public long Link(string existing, string path) => Run(() => process.Link(existing, path));

    public long Symlink(string target, string path) => Run(() => process.Symlink(target, path));

    public (long Error, string Target) Readlink(string path) => kernel.Scheduler.Run(() => process.Readlink(path));

    public (long Error, IReadOnlyList<string> Names) Readdir(string path) =>
        kernel.Scheduler.Run(() => process.Readdir(path));

    public (long Error, byte[] Value) Getxattr(string path, string name, int size = 4096) =>
        kernel.Scheduler.Run(() => process.Getxattr(path, name, size));

    public long Setxattr(string path, string name, byte[] value) => Run(() => process.Setxattr(path, name, value));

    public long Removexattr(string path, string name) => Run(() => process.Removexattr(path, name));

    public long SetAcl(string path, byte[]? acl, uint mode, bool isDefault) =>
        Run(() => process.SetAcl(path, acl, mode, isDefault));

    public (long Result, byte[] Output) Ioctl(long fd, uint command, byte[] input, int outputSize) =>
        kernel.Scheduler.Run(() => process.Ioctl((int)fd, command, input, outputSize));

    public (long Error, TwinStatfs? Statfs) Statfs() => kernel.Scheduler.Run(process.Statfs);

    private long Run(Func<Task<long>> call) => kernel.Scheduler.Run(call);
}
