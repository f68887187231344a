using System.Collections.Concurrent;
using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Iomap;

/// <summary>The volume's files for a kernel that moves their data itself: tells it where they are, and takes in what it
/// has done.</summary>
/// <remarks>Files: IomapVolume (mount, changes), .Mapping (questions), .Completion (what was written), .Uploads (what the
/// kernel keeps).</remarks>
internal sealed partial class IomapVolume : IomapHandler
{
    private const uint LargeInodeBytes = 256;

    /// <summary>Ends behind the reply of the request that this thread handles.</summary>
    [ThreadStatic]
    private static IomapFile? t_changing;

    private readonly IomapDevice[] _devices;
    private readonly long _stripeBytes;
    private readonly ConcurrentDictionary<uint, IomapFile> _files = [];
    private IomapConnection _connection = null!;
    private BackingId _backing;

    /// <summary>Where the volume begins in the kernel's device, or stripe set.</summary>
    private long _offsetBytes;

    public IomapVolume(IomapDevice device) => _devices = [device];

    /// <summary>A volume that is spread over several devices in strips.</summary>
    /// <param name="members">In their order, 2 or more.</param>
    /// <param name="stripeBytes">Length of a strip.</param>
    public IomapVolume(IEnumerable<IomapDevice> members, long stripeBytes)
    {
        _devices = [.. members];
        _stripeBytes = stripeBytes;
    }

    /// <summary>Most memory the kernel may take for one file's mappings: enough for 32768 of them.</summary>
    public uint CacheBytes { get; init; } = 1 << 20;

    /// <summary>Set before the session starts.</summary>
    public ServedVolume Server { get; set; } = null!;

    private Ext4.Volume Volume => Server.Volume;

    /// <summary>Largest atomic write that can be offered, bytes; 0 for none.</summary>
    public int AtomicWriteBytes { get; private set; }

    /// <inheritdoc/>
    public override Errno Configure(IomapConnection connection, out IomapConfiguration configuration)
    {
        Geometry geometry = Volume.Context.Geometry;
        _connection = connection;
        Span<byte> uuid = stackalloc byte[Ext4.Volume.UuidBytes];
        Volume.GetUuid(uuid);
        bool hasNanoseconds = geometry.InodeSizeBytes >= LargeInodeBytes;
        configuration = new IomapConfiguration
        {
            BlockSizeBytes = geometry.BlockSizeBytes,
            Name = Server.Options.Source,
            Uuid = uuid.ToArray(),
            // Links are limited here: a directory may have more subdirectories than its inode can count.
            MaxFileBytes = Volume.MaximumFileBytes,
            CacheBytes = CacheBytes,
            Times = new TimeLimits(hasNanoseconds ? 1u : 1_000_000_000u, int.MinValue,
                hasNanoseconds ? (3L << 32) + int.MaxValue : int.MaxValue),
        };
        return Register(connection, geometry.BlockSizeBytes);
    }

    private Errno Register(IomapConnection connection, int blockSizeBytes)
    {
        if (_devices.Length > 1 && !connection.Revision.HasStripes)
        {
            return Errno.NotImplemented;
        }
        var members = new StripeMember[_devices.Length];
        for (int i = 0; i < members.Length; i++)
        {
            IomapDevice device = _devices[i];
            Errno error = connection.Register(device.Descriptor, device.LengthBytes, out _backing);
            if (error != Errno.Ok)
            {
                return error;
            }
            members[i] = new StripeMember(_backing, device.OffsetBytes);
        }
        if (members.Length > 1)
        {
            return connection.Stripe(_stripeBytes, members, Volume.Context.Device.LengthBytes, out _backing);
        }
        IomapDevice only = _devices[0];
        _offsetBytes = only.OffsetBytes;
        // The device counts from its own beginning.
        bool isAligned = only.OffsetBytes % blockSizeBytes == 0;
        AtomicWriteBytes = connection.HasAtomicWrites && isAligned && only.AtomicWriteBytes >= blockSizeBytes
            ? blockSizeBytes
            : 0;
        return Errno.Ok;
    }

    /// <summary>A request is about to change where a file's data is, or what of it is data. Called before any lock of the
    /// inode. What the kernel keeps of the range is dropped first: the blocks may be somebody else's before it has seen
    /// the reply.</summary>
    /// <param name="inode">Which file.</param>
    /// <param name="offset">First byte concerned.</param>
    /// <param name="length">Bytes; <see cref="long.MaxValue"/> for all behind.</param>
    /// <param name="change">To be ended behind the reply.</param>
    /// <returns>Why the kernel does not drop it: then nothing may be changed.</returns>
    public Errno BeginChange(InodeNumber inode, long offset, long length, out IomapChange change)
    {
        IomapFile file = FileOf(inode);
        file.Uploads.EnterChange();
        Errno error = Errno.InputOutput;        // also of whatever is thrown
        try
        {
            error = Drop(file, offset, length);
        }
        finally
        {
            change = error == Errno.Ok ? new IomapChange(file) : IomapChange.None;
            if (error != Errno.Ok)
            {
                file.Uploads.LeaveChange();
            }
        }
        return error;
    }

    /// <summary>As <see cref="BeginChange"/>, ending behind the reply of the request this thread handles.</summary>
    public Errno ChangeUntilReply(InodeNumber inode, long offset, long length)
    {
        Errno error = BeginChange(inode, offset, length, out _);
        if (error == Errno.Ok)
        {
            LeaveBehindReply(FileOf(inode));
        }
        return error;
    }

    /// <summary>Has the kernel drop what it keeps of a range, rounded to blocks.</summary>
    private Errno Drop(IomapFile file, long offset, long length)
    {
        long mask = Volume.Context.Geometry.BlockSizeBytes - 1;
        long from = offset & ~mask;
        long to = length > long.MaxValue - mask - offset ? long.MaxValue : (offset + length + mask) & ~mask;
        return file.Uploads.Count > 0 && from < _connection.MaxFileBytes
            ? file.Uploads.Invalidate(from, to == long.MaxValue ? to : to - from)
            : Errno.Ok;
    }

    /// <summary>A change that was entered ends behind the reply. One of this request's before it ends now: a request may
    /// be tried a second time.</summary>
    private static void LeaveBehindReply(IomapFile file)
    {
        IomapFile? before = t_changing;
        t_changing = file;
        before?.Uploads.LeaveChange();
    }

    /// <summary>The reply of this thread's request is out.</summary>
    public static void Leave()
    {
        IomapFile? file = t_changing;
        t_changing = null;
        file?.Uploads.LeaveChange();
    }

    /// <summary>Gives back what writers that are gone had reserved, or were told and have not written to. Called with no
    /// lock.</summary>
    /// <returns>True when there was something.</returns>
    public bool ReleaseAbandoned()
    {
        bool isAny = false;
        foreach (InodeNumber number in Volume.ListAbandonedDelegated())
        {
            IomapFile file = FileOf(number);
            file.Uploads.EnterChange();
            try
            {
                bool isUntold = Drop(file, 0, long.MaxValue) == Errno.Ok;
                // Who opens the file for writing is known here before he can ask where.
                isAny |= Volume.ReleaseAbandoned(number, () => isUntold && !Server.Opens.HasWriters(number));
            }
            finally
            {
                file.Uploads.LeaveChange();
            }
        }
        return isAny;
    }

    /// <summary>The kernel knows the inode no more.</summary>
    public void Forget(InodeNumber inode) => _files.TryRemove(inode.Value, out _);

    /// <inheritdoc/>
    public override Errno Freeze(ulong unlinkedInodes)
    {
        Errno error = Volume.SettleAllDelegated();
        return error == Errno.Ok ? Server.Freezer.FreezeForKernel() : error;
    }

    /// <inheritdoc/>
    public override Errno Thaw() => Server.Freezer.ThawForKernel();

    /// <inheritdoc/>
    public override Errno Shutdown(ulong flags)
    {
        Server.IsShutDown = true;
        return Volume.ShutDown(commitsFirst: false);
    }

    private bool IsRefused => Server.Requests.IsClosed || Server.IsPanicked || Server.IsShutDown;

    private IomapFile FileOf(InodeNumber inode) =>
        _files.TryGetValue(inode.Value, out IomapFile? file) ? file
        : _files.GetOrAdd(inode.Value, static (_, made) => new IomapFile(made._connection, made.inode), (_connection, inode));

    /// <summary>A mapping in the kernel's form.</summary>
    private Mapping ToKernel(in DelegatedMapping mapping, MappingFlags flags = MappingFlags.None)
    {
        flags |= mapping.IsTail ? MappingFlags.Shared : MappingFlags.None;
        long length = Math.Min(mapping.LengthBytes, long.MaxValue - (1 << 20) - mapping.OffsetBytes);
        long address = mapping.DeviceOffsetBytes + _offsetBytes;
        return mapping.Kind switch
        {
            DelegatedKind.Written => Mapping.Written(mapping.OffsetBytes, length, _backing, address, flags),
            DelegatedKind.Unwritten => Mapping.Unwritten(mapping.OffsetBytes, length, _backing, address, flags),
            DelegatedKind.Reserved => Mapping.Delayed(mapping.OffsetBytes, length),
            DelegatedKind.Inline => Mapping.Inline(length),
            _ => Mapping.Hole(mapping.OffsetBytes, length),
        };
    }
}
