using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>SEEK_DATA and SEEK_HOLE, FIEMAP, FIBMAP, swapon: BEGIN(REPORT). Traces 10.</summary>
internal sealed class Reporting(TwinKernel kernel)
{
    private const uint SeekData = 3;
    private const int LseekOutBytes = 8;
    private bool _lseekIsUnknown;

    /// <param name="whence">SEEK_DATA 3 or SEEK_HOLE 4.</param>
    public async Task<(long Position, Errno Error)> Seek(Caller caller, OpenFile file, long position, uint whence)
    {
        Inode inode = file.Inode;
        if (position < 0 || position >= inode.Size)
        {
            return (0, Errno.ENXIO);
        }
        long found = -1;
        (_, Errno error) = await kernel.Walk.Run(caller, inode, OperationFlags.Report, position, inode.Size - position,
            (mapping, at, length) =>
            {
                bool isData = HasData(inode, mapping.Read, at, length);
                if (isData == (whence == SeekData))
                {
                    found = at;
                    return Task.FromResult(new Step(0));
                }
                return Task.FromResult(new Step(length));
            });
        if (error == Errno.ENOSYS)
        {
            return await Lseek(caller, file, position, whence);
        }
        if (error != Errno.Ok)
        {
            return (0, error);
        }
        return found >= 0 ? (found, Errno.Ok) : whence == SeekData ? (0, Errno.ENXIO) : (inode.Size, Errno.Ok);
    }

    /// <summary>FIEMAP: the extents in a range, at most a number of them.</summary>
    public async Task<(IReadOnlyList<Mapping> Extents, Errno Error)> Fiemap(Caller caller, OpenFile file, long start,
        long length, bool syncs)
    {
        Inode inode = file.Inode;
        if (syncs)
        {
            await kernel.Writeback.Write(caller, inode, 0, long.MaxValue, waits: true);
        }
        var extents = new List<Mapping>();
        long count = Math.Min(length, kernel.Config.MaxBytes - start);
        (_, Errno error) = await kernel.Walk.Run(caller, inode, OperationFlags.Report, start, count, (found, _, clipped) =>
        {
            if (found.Read.Type != MappingType.Hole)
            {
                extents.Add(found.Read);
            }
            return Task.FromResult(new Step(clipped));
        });
        return (extents, error);
    }

    /// <summary>FIBMAP: the device block of a file block, 0 for none.</summary>
    public async Task<(long Block, Errno Error)> Fibmap(Caller caller, OpenFile file, long block)
    {
        int size = kernel.Config.BlockSize;
        long result = 0;
        (_, Errno error) = await kernel.Walk.Run(caller, file.Inode, OperationFlags.Report, block * size, size,
            (found, at, clipped) =>
            {
                result = found.Read.IsWritten ? (long)found.Read.AddressOf(at) / size : 0;
                return Task.FromResult(new Step(clipped));
            });
        return (result, error);
    }

    /// <summary>swapon(2): every block of the file is leased.</summary>
    public async Task<Errno> SwapOn(Caller caller, OpenFile file)
    {
        Inode inode = file.Inode;
        int size = inode.Pages.PageSize;
        var leased = new List<Mapping>();
        uint device = 0;
        (_, Errno error) = await kernel.Walk.Run(caller, inode, OperationFlags.Report | OperationFlags.SwapFile, 0,
            inode.Size / size * size, (found, at, clipped) =>
            {
                Mapping mapping = found.Read;
                bool fits = mapping.Type is MappingType.Mapped or MappingType.Unwritten
                    && (mapping.Flags & (MappingFlags.Dirty | MappingFlags.Shared)) == 0
                    && (device == 0 || device == mapping.Device);
                device = mapping.Device;
                leased.Add(mapping.HasAddress ? mapping.Part(at, at + clipped) : mapping);
                return Task.FromResult(fits ? new Step(clipped) : new Step(0, Error: Errno.EINVAL));
            });
        if (error != Errno.Ok)
        {
            await SwapOff(caller, inode, error);
            return error;
        }
        inode.IsSwapFile = true;
        foreach (Mapping mapping in leased)
        {
            kernel.BlockUsers.Add(inode, mapping, RuleBook.SwapLease);
        }
        return Errno.Ok;
    }

    /// <summary>swapoff(2), or a swapon that failed.</summary>
    public async Task<Errno> SwapOff(Caller caller, Inode inode, Errno reason)
    {
        inode.IsSwapFile = false;
        kernel.BlockUsers.RemoveAll(inode, RuleBook.SwapLease);
        return await kernel.IoendRequests.Send(caller, inode, IoendFlags.SwapOff, reason, 0, 0, Mapping.NullAddress, 0);
    }

    private async Task<(long Position, Errno Error)> Lseek(Caller caller, OpenFile file, long position, uint whence)
    {
        if (!_lseekIsUnknown)
        {
            byte[] body = WireBytes.Of(
                new FileWire.LseekIn { Handle = file.Handle, Offset = (ulong)position, Whence = whence });
            Reply reply = await kernel.Connection.Call(caller, Opcode.Lseek, file.Inode.NodeId, body,
                new ReplyForm(LseekOutBytes), $"LSEEK {position}");
            if (reply.Error != Errno.ENOSYS)
            {
                return reply.IsOk ? ((long)reply.As<FileWire.LseekOut>().Offset, Errno.Ok) : (0, reply.Error);
            }
            _lseekIsUnknown = true;
        }
        return whence == SeekData ? (position, Errno.Ok) : (file.Inode.Size, Errno.Ok);
    }

    /// <summary>What is in the cache counts, also after it was written: the mapping may be older than that.</summary>
    private static bool HasData(Inode inode, in Mapping mapping, long position, long length) => mapping.Type switch
    {
        MappingType.Hole => false,
        MappingType.Unwritten or MappingType.UnwrittenStripe => inode.Pages.HasUptodateBlocks(position, position + length),
        _ => true,
    };
}
