using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Quota;

/// <summary>The books of one kind: what every user, group or project has, in memory and in the quota file.</summary>
/// <remarks>Usage changes in the handle that changes the inode, under a lock that stands below the inode table's in the
/// lock order. Records are made before handles, under the quota file's own inode lock, which is the last of the inode
/// locks: who holds it takes no other.</remarks>
internal sealed class QuotaLedger
{
    private readonly VolumeContext _context;
    private readonly InodeTable _inodes;
    private readonly Journal _journal;
    private readonly Func<BlockAddition> _newBlock;
    private readonly Inode _inode;
    private readonly QuotaFile _file;
    private readonly Lock _gate = new();

    /// <summary>Promised for data that is not charged yet, bytes.</summary>
    private readonly Dictionary<uint, long> _held = [];
    private readonly Dictionary<uint, QuotaUsage> _usage;
    private readonly bool _hasLimits;

    /// <summary>Reads the books.</summary>
    /// <param name="context">The volume.</param>
    /// <param name="inodes">To store the quota file's inode.</param>
    /// <param name="journal">Of the volume.</param>
    /// <param name="map">Where the quota file's blocks are.</param>
    /// <param name="newBlock">Makes what lets the quota file grow.</param>
    /// <param name="inode">The quota file's.</param>
    /// <param name="kind">Which books.</param>
    /// <param name="hasLimits">Whether limits are enforced.</param>
    /// <exception cref="Ext4CorruptException">The quota file is damaged.</exception>
    public QuotaLedger(
        VolumeContext context, InodeTable inodes, Journal journal, FileMap map, Func<BlockAddition> newBlock,
        Inode inode, QuotaKind kind, bool hasLimits)
    {
        _context = context;
        _inodes = inodes;
        _journal = journal;
        _newBlock = newBlock;
        _inode = inode;
        Kind = kind;
        _hasLimits = hasLimits;
        _file = new QuotaFile(context, map, inode, kind);
        _usage = _file.ReadAll();
    }

    public QuotaKind Kind { get; }

    /// <summary>Makes sure that an id has a record.</summary>
    /// <returns>NoSpace, ReadOnly, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The quota file is damaged.</exception>
    public Errno Prepare(uint id)
    {
        if (Knows(id))
        {
            return Errno.Ok;
        }
        using (_inode.Lock.Exclusive())
        {
            while (!Knows(id))
            {
                Errno error = _file.TryPlan(id, out QuotaFile.AddPlan plan) ? Add(id, plan) : Grow();
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
        }
        return Errno.Ok;
    }

    /// <summary>Moves what an inode has from one id to another, or changes it.</summary>
    /// <param name="handle">That changes the inode; one credit each for the record of both ids.</param>
    /// <param name="id">Whose it was.</param>
    /// <param name="spaceBytes">How much more; negative for less.</param>
    /// <param name="inodes">How many more.</param>
    public void Change(Handle handle, uint id, long spaceBytes, int inodes)
    {
        QuotaUsage? usage;
        lock (_gate)
        {
            _usage.TryGetValue(id, out usage);
        }
        if (usage is null)
        {
            _context.Events.Damage(
                new Ext4CorruptException(Corruption.QuotaTree, $"{Kind} {id} has files but no quota record"),
                _inode.Number);
            return;
        }
        // The block may have to be read: nobody is to wait for that at the gate.
        using BlockLease lease = _file.Update(handle, usage, out int offset);
        lock (_gate)
        {
            usage.SpaceBytes = Add(usage.SpaceBytes, spaceBytes);
            usage.Inodes = Add(usage.Inodes, inodes);
            (uint space, uint ofInodes) = _file.GraceSeconds;
            usage.SpaceDeadline = Deadline(usage.SpaceDeadline, usage.SpaceBytes, usage.SpaceSoftLimit, space);
            usage.InodeDeadline = Deadline(usage.InodeDeadline, usage.Inodes, usage.InodeSoftLimit, ofInodes);
            QuotaFile.Store(lease, offset, id, usage);
        }
    }

    /// <summary>How much more an id may have. Concurrent requests may together exceed it by what they are about.</summary>
    /// <returns>Bytes; all there are without a limit.</returns>
    public ulong SpaceLeft(uint id)
    {
        lock (_gate)
        {
            return _hasLimits && _usage.TryGetValue(id, out QuotaUsage? usage)
                ? Left(Add(usage.SpaceBytes, _held.GetValueOrDefault(id)), usage.SpaceHardLimit, usage.SpaceSoftLimit, usage.SpaceDeadline)
                : ulong.MaxValue;
        }
    }

    /// <summary>Space was promised to an id for data accepted now and charged later, or is so no more.</summary>
    /// <param name="id">Whose data.</param>
    /// <param name="spaceBytes">How much more; negative for less.</param>
    public void Hold(uint id, long spaceBytes)
    {
        lock (_gate)
        {
            long held = _held.GetValueOrDefault(id) + spaceBytes;
            if (held > 0)
            {
                _held[id] = held;
            }
            else
            {
                _held.Remove(id);
            }
        }
    }

    /// <summary>How many more inodes an id may have.</summary>
    public ulong InodesLeft(uint id)
    {
        lock (_gate)
        {
            return _hasLimits && _usage.TryGetValue(id, out QuotaUsage? usage)
                ? Left(usage.Inodes, usage.InodeHardLimit, usage.InodeSoftLimit, usage.InodeDeadline)
                : ulong.MaxValue;
        }
    }

    /// <summary>Limits and usage for statfs of a project's directory: the soft limit where there is one.</summary>
    /// <returns>Limits of 0 where there are none.</returns>
    public (ulong SpaceLimit, ulong SpaceBytes, ulong InodeLimit, ulong Inodes) Show(uint id)
    {
        lock (_gate)
        {
            if (!_hasLimits || !_usage.TryGetValue(id, out QuotaUsage? usage))
            {
                return default;
            }
            return (Smaller(usage.SpaceSoftLimit, usage.SpaceHardLimit), usage.SpaceBytes,
                Smaller(usage.InodeSoftLimit, usage.InodeHardLimit), usage.Inodes);
        }
    }

    private static ulong Smaller(ulong first, ulong second) =>
        first == 0 || second == 0 ? Math.Max(first, second) : Math.Min(first, second);

    private bool Knows(uint id)
    {
        lock (_gate)
        {
            return _usage.ContainsKey(id);
        }
    }

    private Errno Add(uint id, QuotaFile.AddPlan plan)
    {
        Errno error = _journal.TryStart(QuotaFile.AddCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            QuotaUsage usage = _file.Add(handle, plan);
            lock (_gate)
            {
                _usage.Add(id, usage);
            }
            handle.Complete();
            return Errno.Ok;
        }
    }

    /// <summary>Gives the quota file one more block of the volume.</summary>
    private Errno Grow()
    {
        int shift = _context.Geometry.BlockSizeShift;
        var end = (uint)(((ulong)_inode.SizeBytes + (1ul << shift) - 1) >> shift);
        using BlockAddition block = _newBlock();
        Errno error = block.Prepare(_inode, end, default, SpaceClaim.Metadata);
        Handle handle = null!;
        error = error == Errno.Ok ? _journal.TryStart(block.Credits + 1, out handle) : error;
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            block.Apply(handle);
            handle.Create(block.Block).Dispose();
            _inode.SizeBytes = ((long)end + 1) << shift;
            _inodes.Store(handle, _inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    /// <summary>What is counted wrong on disk does not wrap around.</summary>
    private static ulong Add(ulong value, long change) =>
        change < 0
        ? value - Math.Min(value, (ulong)-change)
        : value + Math.Min((ulong)change, ulong.MaxValue - value);

    private ulong Deadline(ulong deadline, ulong used, ulong softLimit, uint graceSeconds)
    {
        if (softLimit == 0 || used <= softLimit)
        {
            return 0;
        }
        return deadline == 0 && _hasLimits ? NowSeconds() + graceSeconds : deadline;
    }

    private ulong Left(ulong used, ulong hardLimit, ulong softLimit, ulong deadline)
    {
        ulong limit = hardLimit == 0 ? ulong.MaxValue : hardLimit;
        if (softLimit != 0 && deadline != 0 && NowSeconds() >= deadline)
        {
            limit = Math.Min(limit, softLimit);
        }
        return limit - Math.Min(limit, used);
    }

    private ulong NowSeconds() => (ulong)Math.Max(0, _context.Clock.GetUtcNow().ToUnixTimeSeconds());
}
