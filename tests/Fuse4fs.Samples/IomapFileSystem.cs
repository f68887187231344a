using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Samples;

/// <summary>The null server's tree with data on a block device, which the kernel moves: what a file system has to do for
/// block mappings, on kernels that have them. Names and maps are in memory alone.</summary>
internal sealed class IomapFileSystem : IomapHandler, IFileSpace
{
    public const int BlockBytes = 4096;

    private const int NoBlock = -1;
    private const int MostAtOnce = 1024;

    private readonly FileDescriptor _device;
    private readonly long _deviceBytes;
    private readonly BlockSpace _space;
    private IomapConnection _connection = null!;
    private BackingId _id;

    /// <param name="device">Opened for reading and writing.</param>
    /// <param name="deviceBytes">Its length.</param>
    public IomapFileSystem(FileDescriptor device, long deviceBytes)
    {
        _device = device;
        _deviceBytes = deviceBytes;
        _space = new BlockSpace((int)(deviceBytes / BlockBytes));
        Tree = new NullFileSystem(new NullOptions(), this);
    }

    /// <summary>Answers all other requests.</summary>
    public NullFileSystem Tree { get; }

    /// <summary>Whether mappings are uploaded ahead; else every one is asked for.</summary>
    public bool Uploads { get; init; } = true;

    public override Errno Configure(IomapConnection connection, out IomapConfiguration configuration)
    {
        _connection = connection;
        Tree.ForgetKernel();
        configuration = new IomapConfiguration { BlockSizeBytes = BlockBytes, Name = "sample" };
        return connection.Register(_device, _deviceBytes, out _id);
    }

    public override Errno BeginMapping(in BeginRequest request, ref BeginReply reply)
    {
        if (Tree.Find(request.File.NodeId) is not { } file)
        {
            return Errno.Stale;
        }
        bool changes = request.Has(IomapOperation.Write) && Allocate(file, request.Offset, request.End);
        lock (file.Gate)
        {
            reply.SetInPlace(Around(file.Blocks, request.Offset));
        }
        if (request.Has(IomapOperation.Write) && reply.Source.Kind == MappingKind.Hole)
        {
            return Errno.NoSpace;
        }
        if (Uploads)
        {
            Upload(file, request.Offset, in reply.Source, changes);
        }
        return Errno.Ok;
    }

    public override Errno EndMapping(in EndRequest request)
    {
        if (request.IsSizeChanged && Tree.Find(request.File.NodeId) is { } file)
        {
            Grow(file, request.WrittenEnd);
        }
        return Errno.Ok;
    }

    public override Errno CompleteIo(in IoEndRequest request, out long sizeBytes)
    {
        sizeBytes = 0;
        if (Tree.Find(request.File.NodeId) is not { } file)
        {
            return Errno.Stale;
        }
        if (request.Error == Errno.Ok && !request.Has(IoEndFlags.SwapOff))
        {
            FileUploads uploads = UploadsOf(file);
            uploads.EnterChange();
            lock (file.Gate)
            {
                file.Blocks.Mark(request.Offset / BlockBytes, RoundUp(request.End), isWritten: true);
            }
            uploads.Dropped(request.Offset, request.End);
            uploads.LeaveChange();
            Grow(file, request.End);
        }
        lock (file.Gate)
        {
            sizeBytes = (long)file.Attributes.Size;
        }
        return Errno.Ok;
    }

    public override Errno Freeze(ulong unlinkedInodes) => Errno.Ok;

    public void Resize(NullNode file, long size) => Change(file, RoundUp(size), long.MaxValue / BlockBytes, size);

    public Errno Allocate(NullNode file, in FallocateIn request)
    {
        const uint keepSize = 1, punch = 2, zero = 16;
        long offset = (long)request.Offset;
        long end = offset + (long)request.Length;
        if ((request.Mode & ~(keepSize | punch | zero)) != 0)
        {
            return Errno.NotSupported;
        }
        if ((request.Mode & (punch | zero)) != 0)
        {
            Change(file, RoundUp(offset), end / BlockBytes);
        }
        while ((request.Mode & punch) == 0 && offset < end)
        {
            _ = Allocate(file, offset, end);
            lock (file.Gate)
            {
                Mapping allocated = Around(file.Blocks, offset);
                if (allocated.Kind == MappingKind.Hole)
                {
                    return Errno.NoSpace;
                }
                offset = allocated.End;
            }
        }
        if ((request.Mode & keepSize) == 0)
        {
            Grow(file, end);
        }
        return Errno.Ok;
    }

    public void Remove(NullNode file) => Change(file, 0, long.MaxValue / BlockBytes);

    public void Describe(ref StatFsOut answer)
    {
        answer.Blocks = (ulong)_space.Blocks;
        answer.BlocksFree = answer.BlocksAvailable = (ulong)_space.Free;
    }

    private static long RoundUp(long offset) => (offset + BlockBytes - 1) / BlockBytes;

    private static void Grow(NullNode file, long size)
    {
        lock (file.Gate)
        {
            file.Attributes.Size = Math.Max(file.Attributes.Size, (ulong)size);
        }
    }

    private FileUploads UploadsOf(NullNode file)
    {
        lock (file.Gate)
        {
            return file.Uploads ??= new FileUploads(_connection, new FileIdentity(file.Id, file.Id));
        }
    }

    /// <summary>What is where, as the kernel is to know it.</summary>
    private Mapping Around(FileBlocks blocks, long offset)
    {
        (int device, bool isWritten) = blocks.Around(offset / BlockBytes, out long first, out long end);
        long start = first * BlockBytes;
        long length = (Math.Min(end, _connection.MaxFileBytes / BlockBytes) - first) * BlockBytes;
        return device == NoBlock ? Mapping.Hole(start, length)
            : isWritten ? Mapping.Written(start, length, _id, (long)device * BlockBytes)
            : Mapping.Unwritten(start, length, _id, (long)device * BlockBytes);
    }

    /// <summary>Fills holes with blocks that are unwritten until a completion says otherwise.</summary>
    /// <returns>Whether there were any.</returns>
    private bool Allocate(NullNode file, long offset, long end)
    {
        long first = offset / BlockBytes;
        long last = Math.Min(RoundUp(end), first + MostAtOnce);
        FileUploads uploads = UploadsOf(file);
        uploads.EnterChange();
        int before;
        int after;
        lock (file.Gate)
        {
            before = file.Blocks.Count;
            for (long place = first; place < last; place++)
            {
                if (!file.Blocks.Contains(place))
                {
                    if (!_space.TryTake(out int block))
                    {
                        break;
                    }
                    file.Blocks.Set(place, block, isWritten: false);
                }
            }
            after = file.Blocks.Count;
            file.Attributes.Blocks512 = (ulong)after * (BlockBytes / 512);
        }
        uploads.LeaveChange();
        return after != before;
    }

    /// <summary>Takes blocks away. The kernel forgets them first: they may be another file's a moment later.</summary>
    private void Change(NullNode file, long first, long end, long? size = null)
    {
        FileUploads uploads = UploadsOf(file);
        uploads.EnterChange();
        if (first < end)
        {
            _ = uploads.Invalidate(first * BlockBytes, long.MaxValue);
        }
        lock (file.Gate)
        {
            file.Blocks.Remove(first, end, _space);
            file.Attributes.Size = (ulong?)size ?? file.Attributes.Size;
            file.Attributes.Blocks512 = (ulong)file.Blocks.Count * (BlockBytes / 512);
        }
        uploads.LeaveChange();
    }

    /// <summary>Uploads the mappings from a place on. What was allocated contradicts what may be cached: if it cannot be
    /// uploaded the kernel has to forget that.</summary>
    private void Upload(NullNode file, long offset, in Mapping allocated, bool changes)
    {
        FileUploads uploads = UploadsOf(file);
        Errno error = Errno.Again;
        if (uploads.TryEnter())
        {
            using MappingBatch batch = _connection.RentBatch();
            batch.Start(uploads.File);
            lock (file.Gate)
            {
                Mapping mapping = Around(file.Blocks, offset);
                int window = Math.Min(uploads.NextWindow(offset), MappingBatch.Capacity);
                while (batch.Add(in mapping) == Errno.Ok && batch.Count < window && mapping.End < _connection.MaxFileBytes)
                {
                    mapping = Around(file.Blocks, mapping.End);
                }
            }
            error = uploads.Send(batch);
            uploads.Leave();
        }
        if (error != Errno.Ok && changes)
        {
            _ = uploads.Invalidate(allocated.Offset, allocated.Length);
        }
    }
}
