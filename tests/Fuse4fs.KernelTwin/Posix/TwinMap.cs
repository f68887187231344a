using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>A shared mapping of a whole file. False is SIGBUS.</summary>
public sealed class TwinMap
{
    private readonly TwinKernel _kernel;
    private readonly TwinProcess _process;
    private readonly OpenFile _file;
    private readonly bool _isWritable;

    internal TwinMap(TwinKernel kernel, TwinProcess process, OpenFile file, bool isWritable)
    {
        _kernel = kernel;
        _process = process;
        _file = file;
        _isWritable = isWritable;
    }

    public async Task<bool> Load(long position, Memory<byte> target) =>
        await _kernel.MemoryMaps.Load(_process.Caller, _file, position, target) == Errno.Ok;

    public async Task<bool> Store(long position, ReadOnlyMemory<byte> data) =>
        _isWritable && await _kernel.MemoryMaps.Store(_process.Caller, _file, position, data) == Errno.Ok;

    /// <summary>msync(MS_SYNC).</summary>
    public async Task<long> Msync() => -(long)await _kernel.Syncing.Fsync(_process.Caller, _file, dataOnly: true);

    /// <summary>munmap(2): what is dirty is written by the process itself.</summary>
    public async Task<long> Unmap()
    {
        Errno error = Errno.Ok;
        if (_isWritable && _file.Inode.Pages.IsDirty)
        {
            error = await _kernel.Writeback.Write(_process.Caller, _file.Inode, 0, long.MaxValue, waits: true);
            await _kernel.Attributes.FlushTimes(_process.Caller, _file.Inode);
        }
        _file.Inode.Maps--;
        _process.Drop(_file);
        return -(long)error;
    }
}
