using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>One direct write: many mappings, one completion.</summary>
internal sealed class DirectWrite(TwinKernel kernel, Inode inode, long start, UserBuffer buffer)
{
    private const int SectorBytes = 512;
    private IoendFlags _flags = IoendFlags.Direct;
    private Errno _deviceError;
    private bool _isInline;

    /// <summary>Bytes handed to the device, whether or not it took them.</summary>
    public long Submitted { get; private set; }

    public async Task<Step> Step(Caller caller, Found found, long position, long length)
    {
        Mapping target = found.Target;
        int offset = (int)(position - start);
        if (target.Type == MappingType.Inline)
        {
            return await Inline(caller, position, buffer.Data.Slice(offset, (int)length));
        }
        if (!target.HasAddress)
        {
            return new Step(0, Error: Errno.EIO);
        }
        if (position % SectorBytes != 0 || length % SectorBytes != 0)
        {
            return new Step(0, Error: Errno.EINVAL);
        }
        bool isAtomicBio = (found.Operation & OperationFlags.Atomic) != 0
            && (target.Flags & MappingFlags.AtomicBio) != 0;
        if (isAtomicBio && kernel.Backing.Device(target.Device) is { Storage.WritesAtomically: false })
        {
            return new Step(length, Error: Errno.EINVAL);
        }
        int count = (int)Math.Min(length, Math.Max(0, buffer.Readable - offset));
        if (count == 0)
        {
            return new Step(0, Error: Errno.EFAULT);
        }
        _flags |= target.IsUnwritten ? IoendFlags.Unwritten : IoendFlags.None;
        _flags |= (target.Flags & MappingFlags.Shared) != 0 ? IoendFlags.Shared : IoendFlags.None;
        Submitted += count;
        if (buffer.Misalignment % SectorBytes != 0)
        {
            return new Step(count, Error: Errno.EINVAL);
        }
        Errno error = kernel.BlockIo.Write(target, BlockStart(target, position),
            Padded(target, position, buffer.Data.Span.Slice(offset, count)));
        _deviceError = _deviceError == Errno.Ok ? error : _deviceError;
        return new Step(count);
    }

    /// <summary>Everything is on the device: tells the server, then the size may grow.</summary>
    public async Task<Errno> Complete(Caller caller, Errno error)
    {
        error = error == Errno.Ok ? _deviceError : error;
        if (_isInline)
        {
            return error;
        }
        Errno answered = await kernel.IoendRequests.Send(caller, inode, _flags, error, start, Submitted,
            Mapping.NullAddress, 0);
        if (error != Errno.Ok || answered != Errno.Ok)
        {
            return error != Errno.Ok ? error : answered;
        }
        int block = kernel.Config.BlockSize;
        inode.Told.Written.Add(start / block * block, (start + Submitted + block - 1) / block * block,
            kernel.NextStamp());
        inode.Size = Math.Max(inode.Size, start + Submitted);
        inode.BlocksAreStale();
        return Errno.Ok;
    }

    private async Task<Step> Inline(Caller caller, long position, ReadOnlyMemory<byte> data)
    {
        _isInline = true;
        Errno error = await kernel.Inline.Write(caller, inode, position, data.ToArray());
        if (error != Errno.Ok)
        {
            return new Step(0, Error: error);
        }
        Submitted += data.Length;
        inode.Size = Math.Max(inode.Size, position + data.Length);
        inode.DiskSize = Math.Max(inode.DiskSize, inode.Size);
        inode.Told.Size = Math.Max(inode.Told.Size, inode.Size);
        return new Step(data.Length);
    }

    /// <summary>Blocks that nobody wrote yet are written whole, with zeros around the data.</summary>
    private static bool IsPadded(in Mapping target) => target.IsUnwritten || (target.Flags & MappingFlags.New) != 0;

    private long BlockStart(in Mapping target, long position) =>
        IsPadded(target) ? position / kernel.Config.BlockSize * kernel.Config.BlockSize : position;

    private byte[] Padded(in Mapping target, long position, ReadOnlySpan<byte> data)
    {
        if (!IsPadded(target))
        {
            return data.ToArray();
        }
        int block = kernel.Config.BlockSize;
        int before = (int)(position % block);
        byte[] padded = new byte[(before + data.Length + block - 1) / block * block];
        data.CopyTo(padded.AsSpan(before));
        return padded;
    }
}
