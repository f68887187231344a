using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>The free space of a volume opened for writing: the allocators of blocks and inodes, what waits to be free
/// again, and the background work on it.</summary>
public sealed class FreeSpace : ISuperblockSource, IDisposable
{
    /// <summary>Memory for the maps of groups, together.</summary>
    private const long MapBytes = 32L << 20;

    /// <summary>Volumes with so few blocks of descriptors are surveyed before anything is allocated.</summary>
    private const uint SurveyedAtOnce = 64;

    private readonly SpaceParts _parts;
    private readonly InodeTableZeroing _zeroing;
    private readonly GroupSurvey _survey;

    /// <summary>Prepares it; reads little. Call <see cref="Start"/> before anything is allocated.</summary>
    /// <param name="context">A volume after replay, writable.</param>
    /// <param name="stripeBlocks">Instead of the superblock's stripe; null for that.</param>
    public FreeSpace(VolumeContext context, uint? stripeBlocks = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        Superblock super = context.CopySuperblock();
        Geometry geometry = context.Geometry;
        var groups = new GroupTable(context);
        ulong freeClusters = Math.Min(super.FreeBlockCount, geometry.BlockCount) >> geometry.ClusterShift;
        _parts = new SpaceParts(
            context,
            groups,
            new SystemZones(groups),
            new MapBudget(groups, MapBytes),
            new FreeCounter((long)freeClusters),
            new FreeCounter(Math.Min(super.FreeInodeCount, geometry.InodeCount)));
        _survey = new GroupSurvey(_parts);
        groups.Survey = _survey;
        Freed = new FreedSpace(context);
        _zeroing = new InodeTableZeroing(_parts);
        Blocks = new BlockAllocator(_parts, Freed, stripeBlocks);
        Inodes = new InodeAllocator(_parts, Blocks, _zeroing, Freed);
        Freed.Blocks = Blocks;
        Freed.Inodes = Inodes;
        Background = new BackgroundWork(context, Freed);
    }

    /// <summary>Whose every block is.</summary>
    internal SpaceMap Map => new(_parts.Groups, Blocks);

    /// <summary>Blocks.</summary>
    public BlockAllocator Blocks { get; }

    /// <summary>Inode numbers.</summary>
    public InodeAllocator Inodes { get; }

    /// <summary>What was freed and is not free yet.</summary>
    public FreedSpace Freed { get; }

    /// <summary>The thread for work nobody waits for.</summary>
    public BackgroundWork Background { get; }

    /// <summary>Clusters and inodes that are free, for statfs.</summary>
    public (ulong Clusters, uint Inodes) Free =>
        (Blocks.FreeBlocks >> _parts.Context.Geometry.ClusterShift, Inodes.FreeInodes);

    /// <summary>Declares blocks the file system's own that no group descriptor tells of: the journal's, those of other
    /// inodes no user may reach. Before <see cref="Start"/>.</summary>
    public void Protect(FsBlock start, ulong count) => _parts.Zones.Add(start, count);

    /// <summary>Makes the counts right and begins the background work.</summary>
    /// <param name="mayDefer">The volume was unmounted in order: the superblock's free counts can be trusted, and the pass
    /// over all groups may be made beside everything else.</param>
    /// <exception cref="DeviceException">The group descriptors cannot be read.</exception>
    public void Start(bool mayDefer)
    {
        if (mayDefer && _parts.Context.Geometry.DescriptorBlockCount > SurveyedAtOnce)
        {
            Background.Post(new SurveyJob(this), isUrgent: false);
            return;
        }
        while (_survey.RunSlice())
        {
        }
        FinishSurvey();
    }

    /// <summary>Zeroes unwritten inode tables in the background. Kernel: ext4lazyinit.</summary>
    public void StartZeroingInodeTables(Journal journal)
    {
        if (_parts.Context.Geometry.HasGroupChecksums)
        {
            Background.Post(new InodeTableZeroingJob(_parts, _zeroing, journal), isUrgent: false);
        }
    }

    /// <inheritdoc/>
    public void Store(ref Superblock superblock)
    {
        superblock.FreeBlockCount = (ulong)_parts.Clusters.OnDisk << _parts.Context.Geometry.ClusterShift;
        superblock.FreeInodeCount = (uint)Math.Min(_parts.Inodes.OnDisk, _parts.Context.Geometry.InodeCount);
    }

    /// <summary>Ends the background work. Windows and reservations are memory only: nothing is written.</summary>
    public void Dispose() => Background.Dispose();

    private void FinishSurvey()
    {
        _parts.Clusters.Correct(_survey.ClusterError);
        _parts.Inodes.Correct(_survey.InodeError);
        Blocks.CheckLoadedMaps();
    }

    private sealed class SurveyJob(FreeSpace owner) : IBackgroundJob
    {
        public TimeSpan? RunSlice()
        {
            if (owner._survey.RunSlice())
            {
                return TimeSpan.Zero;
            }
            owner.FinishSurvey();
            return null;
        }
    }
}
