using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>A connection with block mappings in force: what was agreed on, devices, and messages about mappings.</summary>
/// <remarks>From any thread. None of the messages may be sent while holding a lock.</remarks>
public sealed class IomapConnection
{
    /// <summary>What one cached mapping counts in the kernel, bytes.</summary>
    private const int CachedMappingBytes = 32;

    private const uint LeastCacheBytes = 256;
    private const uint MostCacheBytes = 2 << 20;

    private readonly ILogger _log;
    private readonly DeviceTable _devices = new();
    private readonly MappingRules _rules;
    private readonly FuseNotifier _notifier;
    private readonly Lock _poolGate = new();
    private readonly Stack<MappingBatch> _pool = new();

    internal IomapConnection(
        IFuseTransport transport, FuseNotifier notifier, IomapRevision revision, IomapLimits limits,
        bool hasAtomicWrites, ILogger log)
    {
        Transport = transport;
        Revision = revision;
        Limits = limits;
        HasAtomicWrites = hasAtomicWrites;
        _notifier = notifier;
        _log = log;
        _rules = new MappingRules(revision, _devices);
    }

    /// <summary>What the kernel speaks.</summary>
    public IomapRevision Revision { get; }

    /// <summary>What the kernel can do.</summary>
    public IomapLimits Limits { get; }

    /// <summary>Whether the kernel passes on atomic writes; the device has to be able to, too.</summary>
    public bool HasAtomicWrites { get; }

    /// <summary>Unit of all mappings. As the three below, valid once CONFIG has been answered.</summary>
    public int BlockSizeBytes { get; private set; }

    /// <summary>No mapping begins here or behind.</summary>
    public long MaxFileBytes => _rules.MaxFileBytes;

    /// <summary>How many mappings of one file the kernel keeps: with one more it drops all of that file.</summary>
    public int CachedMappingsPerFile { get; private set; }

    internal IFuseTransport Transport { get; }

    /// <summary>Makes a block device known to the kernel, which keeps its own reference to it.</summary>
    /// <param name="device">Opened for reading and, unless nothing is ever written, for writing; exclusively where
    /// <see cref="SetDeviceBlockSize"/> is to work.</param>
    /// <param name="lengthBytes">Of the device: no mapping that is sent reaches beyond.</param>
    /// <param name="id">Its number.</param>
    /// <returns>NoDevice: not a block device.</returns>
    public Errno Register(FileDescriptor device, long lengthBytes, out BackingId id)
    {
        Errno error = IomapIoctls.TryRegister(Transport, device, out id);
        if (error == Errno.Ok)
        {
            _devices.Add(id, lengthBytes);
        }
        return error;
    }

    /// <summary>Makes the kernel forget a device or a stripe set.</summary>
    /// <returns>Busy while any file is in its memory, on v8 always.</returns>
    public Errno Forget(BackingId id)
    {
        Errno error = IomapIoctls.TryForget(Transport, id);
        if (error == Errno.Ok)
        {
            _devices.Remove(id);
        }
        return error;
    }

    /// <summary>Sets the block size of a device's own page cache, which is flushed and dropped.</summary>
    public Errno SetDeviceBlockSize(BackingId id, int bytes) => IomapIoctls.TrySetBlockSize(Transport, id, bytes);

    /// <summary>Makes one address space of several devices, in strips that take turns. Not on v8 (NotTerminal).</summary>
    /// <param name="widthBytes">Of a strip; a multiple of the block size.</param>
    /// <param name="members">1 to 256, in their order.</param>
    /// <param name="lengthBytes">Of the whole space.</param>
    /// <param name="id">Its number.</param>
    public Errno Stripe(long widthBytes, ReadOnlySpan<StripeMember> members, long lengthBytes, out BackingId id)
    {
        id = BackingId.None;
        if (!Revision.HasStripes)
        {
            return Errno.NotTerminal;
        }
        Errno error = IomapIoctls.TryStripe(Transport, widthBytes, members, out id);
        if (error == Errno.Ok)
        {
            _devices.Add(id, lengthBytes);
        }
        return error;
    }

    /// <summary>See <see cref="IomapIoctls.ProtectThread"/>: for threads that commit, check-point or write metadata. The
    /// session's own workers have it.</summary>
    public Errno ProtectThread() => IomapIoctls.ProtectThread(Transport);

    /// <summary>A batch for mappings; dispose of it to give it back.</summary>
    public MappingBatch RentBatch()
    {
        lock (_poolGate)
        {
            MappingBatch batch = _pool.Count > 0 ? _pool.Pop() : new MappingBatch(this);
            batch.IsRented = true;
            return batch;
        }
    }

    /// <summary>Drops cached mappings of a range, not the pages in it. A file without any is fine.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">A multiple of the block size.</param>
    /// <param name="length">Likewise; <see cref="long.MaxValue"/>: to the end.</param>
    /// <returns>Stale: the kernel no longer knows the file.</returns>
    public Errno Invalidate(FileIdentity file, long offset, long length)
    {
        bool isToEnd = length == long.MaxValue;
        if (!_rules.IsRange(offset, isToEnd ? BlockSizeBytes : length))
        {
            FuseLog.MappingRefused(_log, file, MappingFault.BadRange, Mapping.Hole(offset, length));
            return Errno.Invalid;
        }
        ulong bytes = isToEnd ? NotifyInvalidateMappings.ToEnd : (ulong)length;
        var body = new NotifyInvalidateMappings
        {
            NodeId = file.NodeId,
            Inode = file.Inode,
            ReadOffset = (ulong)offset,
            ReadLength = bytes,
            WriteOffset = (ulong)offset,
            WriteLength = bytes,
        };
        return _notifier.Send(
            NotifyCode.InvalidateMappings, MemoryMarshal.AsBytes(new ReadOnlySpan<NotifyInvalidateMappings>(in body)), []);
    }

    /// <summary>Throws away what a device's own page cache holds of a range, dirty pages too, unwritten. Needed before
    /// blocks that were written as metadata through that cache become file data.</summary>
    /// <returns>NoDevice: never registered; Invalid: beyond the device's end.</returns>
    public Errno DropDeviceCache(BackingId device, long offset, long length)
    {
        var body = new NotifyInvalidateBacking
        {
            Device = device.Number,
            Offset = (ulong)offset,
            Length = (ulong)length,
        };
        return _notifier.Send(
            NotifyCode.InvalidateBacking, MemoryMarshal.AsBytes(new ReadOnlySpan<NotifyInvalidateBacking>(in body)), []);
    }

    internal void Settle(IomapConfiguration configuration)
    {
        BlockSizeBytes = configuration.BlockSizeBytes;
        uint cacheBytes = configuration.CacheBytes == 0
            ? Limits.CacheBytes
            : Math.Clamp(configuration.CacheBytes, LeastCacheBytes, MostCacheBytes);
        CachedMappingsPerFile = (int)Math.Min(cacheBytes, MostCacheBytes) / CachedMappingBytes;
        _rules.Settle(configuration.BlockSizeBytes, configuration.MaxFileBytesFor(Limits));
    }

    /// <summary>Whether a mapping can go into the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool MayUpload(in FileIdentity file, in Mapping mapping)
        => _rules.AreBlocks(in mapping) || MayUploadUnusual(file, in mapping);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool MayReply(in BeginRequest request, in BeginReply reply)
        => _rules.IsPlainReply(in request, in reply) || MayReplyUnusual(in request, in reply);

    /// <summary>Puts a mapping, which was checked before, in the form of the wire where it belongs. Field by field: to copy a
    /// structure that was just filled in so costs more than all of this.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Encode(in Mapping mapping, ref IomapRecord record)
    {
        record.Type = Revision.NumberOf(mapping.Kind, mapping.Device.IsStripeSet);
        record.Offset = (ulong)mapping.Offset;
        record.Length = (ulong)mapping.Length;
        record.Address = (ulong)mapping.Address;
        record.Flags = (ushort)mapping.Flags;
        record.Device = mapping.Device.Number;
    }

    /// <summary>A range of which nothing is said, yet without its place.</summary>
    internal IomapRecord EncodeNoCache() => new()
    {
        Address = ulong.MaxValue,
        Type = Revision.NumberOf(MappingKind.NoCache, isStriped: false),
        Device = BackingId.None.Number,
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MayUploadUnusual(FileIdentity file, in Mapping mapping)
    {
        MappingFault fault = _rules.CheckUpload(in mapping);
        if (fault != MappingFault.None)
        {
            FuseLog.MappingRefused(_log, file, fault, in mapping);
        }
        return fault == MappingFault.None;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool MayReplyUnusual(in BeginRequest request, in BeginReply reply)
    {
        MappingFault fault = _rules.CheckReply(in request, in reply);
        if (fault != MappingFault.None)
        {
            FuseLog.ReplyWithheld(_log, in request, fault, in reply);
        }
        return fault == MappingFault.None;
    }

    internal void Return(MappingBatch batch)
    {
        lock (_poolGate)
        {
            _pool.Push(batch);
        }
    }
}
