using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Hands out blocks and takes them back. A run is first reserved, in memory only; a journal handle then
/// commits it or it is cancelled. What a handle frees is handed out again when its commit is durable and no request
/// can still read it.
/// </summary>
/// <remarks>Thread-safe. <see cref="Reserve"/> may read from the device and is called with no handle open;
/// <see cref="Commit"/> and <see cref="Free"/> are called in a handle. Takes the group's gate, one at a time.</remarks>
public sealed partial class BlockAllocator
{
    /// <summary>Bounds how often a request looks again for space that is counted as free and was not found.</summary>
    private const int MaximumAttempts = 1000;

    private readonly VolumeContext _context;
    private readonly Geometry _geometry;
    private readonly GroupTable _groups;
    private readonly SystemZones _zones;
    private readonly BlockMaps _maps;
    private readonly MapBudget _budget;
    private readonly GroupIndex _index;
    private readonly FreeCounter _counter;
    private readonly FreedSpace _freed;
    private readonly SpaceLimits _limits;
    private readonly uint _stripeClusters;
    private long _moves;
    private int _movers;

    internal BlockAllocator(SpaceParts parts, FreedSpace freed, uint? stripeBlocks)
    {
        Superblock super = parts.Context.CopySuperblock();
        _context = parts.Context;
        _geometry = parts.Context.Geometry;
        _groups = parts.Groups;
        _zones = parts.Zones;
        _budget = parts.Budget;
        _maps = new BlockMaps(_context, _groups, _zones, _budget);
        _index = new GroupIndex(_geometry.GroupCount);
        _counter = parts.Clusters;
        _promises = new PromisedSpace(_counter);
        _freed = freed;
        _limits = new SpaceLimits(_geometry, super.ReservedBlockCount);
        _stripeClusters = StripeOf(in super, stripeBlocks);
    }

    /// <summary>Blocks that are free, or will be when a commit is durable. Reserved ones are not; windows
    /// are.</summary>
    public ulong FreeBlocks => (ulong)_counter.Shown << _geometry.ClusterShift;

    /// <summary>Blocks that requests without privilege may still take.</summary>
    public ulong AvailableBlocks =>
        (ulong)Math.Max(0, _counter.Shown - _limits.Floor(SpaceClaim.Ordinary)) << _geometry.ClusterShift;

    /// <summary>Blocks that requests of a kind may take at once: without those that a commit has yet to give back.</summary>
    public ulong Room(SpaceClaim claim) =>
        (ulong)Math.Max(0, _counter.Free - _limits.Floor(claim)) << _geometry.ClusterShift;

    /// <summary>Reserves neighbouring clusters: the best run near the goal, shorter than wanted when there is none so
    /// long, but at least one cluster. Memory only; survives until committed or cancelled.</summary>
    /// <param name="goal">Where and what for.</param>
    /// <param name="wantClusters">1 and up.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <param name="run">What was reserved, valid only with Ok.</param>
    /// <returns>Ok, or NoSpace. Space freed lately may help: see <see cref="FreedSpace.TryReclaim"/>.</returns>
    public Errno Reserve(in AllocationGoal goal, uint wantClusters, SpaceClaim claim, out BlockRun run)
    {
        ArgumentOutOfRangeException.ThrowIfZero(wantClusters);
        for (int attempt = 0; attempt < MaximumAttempts; attempt++)
        {
            long moves = Volatile.Read(ref _moves);
            long granted = ClaimFree(wantClusters, claim);
            if (granted == 0)
            {
                break;
            }
            uint wanted = (uint)granted;
            if (goal.Windows is not null)
            {
                wanted = goal.Windows.Limit(goal.FileCluster, wanted);
            }
            if (goal.Windows?.TryTake(goal.FileCluster, wanted, out run) == true || TryLocate(in goal, wanted, out run))
            {
                _counter.Cancel(granted - ClustersOf(run));
                _budget.Trim();
                return Errno.Ok;
            }
            // What was granted exists: held by windows, returned to a group the search had passed, or on its way.
            _counter.Cancel(granted);
            if (ReleaseAllWindows() == 0 && !WaitForMovedSpace(moves))
            {
                break;
            }
        }
        run = default;
        return Errno.NoSpace;
    }

    /// <summary>Gives back a reservation, or a part of one, that will not be committed.</summary>
    public void Cancel(BlockRun run)
    {
        if (!run.IsEmpty)
        {
            GiveBack(run);
            _counter.Cancel(ClustersOf(run));
        }
    }

    /// <summary>Makes a reservation, or a part of one, used on disk: its bits and the counts change in the
    /// handle.</summary>
    /// <remarks>Credits: <see cref="CommitCredits"/> for each run of one reservation.</remarks>
    public void Commit(Handle handle, BlockRun run)
    {
        foreach (GroupPart part in PartsOf(run))
        {
            lock (_groups.Gate(part.Group))
            {
                using GroupLease descriptor = _groups.Change(handle, part.Group);
                using BlockLease bitmap = WritableBitmap(handle, descriptor);
                var bits = new BitmapView(bitmap.Bytes);
                if (!bits.IsClear(part.Start, part.Length))
                {
                    Ext4CorruptException.Throw(Corruption.BitmapContents, $"block bitmap of group {part.Group}: "
                        + $"blocks {run} were free in memory and are used on disk");
                }
                bits.Set(part.Start, part.Length);
                ChangeCounts(descriptor, bitmap, -part.Length);
                _groups.State(part.Group).Held -= part.Length;
                _counter.Commit(part.Length);
            }
        }
    }

    /// <summary>True for blocks that no file may map: the file system's own, or outside the volume.</summary>
    public bool IsForbidden(FsBlock start, ulong count) =>
        !_geometry.IsDataRange(start, count) || _zones.Overlaps(start, count);

    /// <summary>Looks again at maps that were loaded before all of the file system's own blocks were known.</summary>
    internal void CheckLoadedMaps()
    {
        foreach (GroupNumber group in _budget.Holders())
        {
            try
            {
                lock (_groups.Gate(group))
                {
                    if (_groups.State(group).Blocks is FreeMap map)
                    {
                        _maps.CheckZones(group, map);
                    }
                }
            }
            catch (Ext4CorruptException damage)
            {
                TakeOutOfService(group, damage);
            }
        }
    }

    internal uint ClustersOf(BlockRun run) => run.LengthBlocks >> _geometry.ClusterShift;

    /// <summary>The bitmap of a group for changing; written for the first time when it was not there. Under the gate.
    /// </summary>
    internal BlockLease WritableBitmap(Handle handle, in GroupLease descriptor)
    {
        GroupDescriptorView view = descriptor.View;
        if ((_groups.FlagsOf(descriptor) & GroupFlags.BlocksUninitialized) == 0)
        {
            return handle.Update(view.BlockBitmap);
        }
        BlockLease bitmap = handle.Create(view.BlockBitmap);
        GroupLayout.FillUninitialized(_geometry, descriptor.Group, view, bitmap.Bytes);
        view.Flags &= ~GroupFlags.BlocksUninitialized;
        bitmap.MarkVerified();
        return bitmap;
    }

    /// <summary>Changes the free count and stores both checksums. Under the gate.</summary>
    internal void ChangeCounts(in GroupLease descriptor, in BlockLease bitmap, int difference)
    {
        GroupDescriptorView view = descriptor.View;
        view.FreeClusters = (uint)(view.FreeClusters + difference);
        if (_context.Checksums.IsEnabled)
        {
            view.BlockBitmapChecksum = _context.Checksums.OfBlockBitmap(bitmap.Bytes);
        }
        _groups.Seal(descriptor);
        _groups.Survey?.CountClusters(descriptor.Group, difference);
    }

    /// <summary>Cuts a run at group boundaries.</summary>
    private GroupParts PartsOf(BlockRun run) => new(_geometry, run);

    private void GiveBack(BlockRun run)
    {
        foreach (GroupPart part in PartsOf(run))
        {
            GiveBack(part);
        }
    }

    /// <summary>Clusters that were held in memory may be handed out again.</summary>
    /// <param name="part">Which.</param>
    /// <param name="isNews">False when they were only held to be discarded.</param>
    private void GiveBack(GroupPart part, bool isNews = true)
    {
        lock (_groups.Gate(part.Group))
        {
            GroupState state = _groups.State(part.Group);
            state.Held -= part.Length;
            if (state.AreBlocksDamaged)
            {
                _counter.Exclude(part.Length);
                return;
            }
            FreeMap map = state.Blocks ?? throw new InvalidOperationException("a map was dropped while space was held");
            if (!map.Return(part.Start, part.Length))
            {
                throw new InvalidOperationException($"group {part.Group}: {part.Start}+{part.Length} returned twice");
            }
            if (isNews)
            {
                state.TrimmedRuns = 0;
                state.Returns = unchecked(state.Returns + 1);
            }
            _index[part.Group] = FreeMap.OrderOf(map.LongestBound);
        }
        Interlocked.Increment(ref _moves);
    }

    private void TakeOutOfService(GroupNumber group, Ext4CorruptException damage)
    {
        if (_maps.MarkDamaged(group, out uint excluded))
        {
            lock (_groups.Gate(group))
            {
                _index[group] = 0;
            }
            _counter.Exclude(excluded);
            _context.Events.Damage(damage, InodeNumber.None);
        }
    }

    /// <summary>In clusters; 0 for none. Kernel: ext4_get_stripe_size.</summary>
    private uint StripeOf(in Superblock super, uint? chosenBlocks)
    {
        uint width = super.RaidStripeWidth;
        uint own = width > 0 && width <= _geometry.BlocksPerGroup ? width : (uint)(ushort)super.RaidStride;
        uint stripe = (chosenBlocks <= _geometry.BlocksPerGroup ? chosenBlocks.Value : own) >> _geometry.ClusterShift;
        return stripe > 1 && stripe <= _geometry.ClustersPerGroup ? stripe : 0;
    }
}
