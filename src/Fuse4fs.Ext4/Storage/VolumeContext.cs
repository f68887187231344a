using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>What every part of the engine is given: one per opened volume.</summary>
public sealed class VolumeContext
{
    private volatile bool _isReadOnly;

    /// <summary>Builds the context of a volume whose superblock was accepted.</summary>
    /// <param name="device">Where the volume is; after a replay in memory, the overlay.</param>
    /// <param name="geometry">Of that volume.</param>
    /// <param name="cacheBytes">Bound of the block cache.</param>
    /// <param name="events">Where damage and warnings go.</param>
    /// <param name="clock">What time it is.</param>
    /// <param name="isReadOnly">Nothing may be written.</param>
    public VolumeContext(
        IBlockDevice device, Geometry geometry, long cacheBytes, IEngineEvents events, TimeProvider clock, bool isReadOnly)
    {
        Device = device;
        Geometry = geometry;
        Checksums = new Checksums(geometry);
        Cache = new BlockCache(device, geometry.BlockSizeBytes, geometry.BlockCount, cacheBytes);
        Descriptors = new GroupDescriptors(Cache, geometry, Checksums);
        Events = events;
        Clock = clock;
        _isReadOnly = isReadOnly;
    }

    public IBlockDevice Device { get; }

    public BlockCache Cache { get; }

    public Geometry Geometry { get; }

    public Checksums Checksums { get; }

    /// <summary>Where each group's bitmaps and inode table are.</summary>
    public GroupDescriptors Descriptors { get; }

    public IEngineEvents Events { get; }

    public TimeProvider Clock { get; }

    /// <summary>Held while the superblock's bytes are changed inside a handle. Last in the lock order.</summary>
    internal Lock SuperblockGate { get; } = new();

    /// <summary>Nothing may be changed: opened so, or made so by an error.</summary>
    public bool IsReadOnly => _isReadOnly;

    /// <summary>From now on nothing may be changed; never undone.</summary>
    public void BecomeReadOnly() => _isReadOnly = true;

    /// <summary>A copy of the superblock as it is now.</summary>
    public Superblock CopySuperblock()
    {
        using BlockLease lease = Cache.Read(Geometry.SuperblockBlock);
        return Disk.At<Superblock>(lease.Bytes, Geometry.SuperblockOffsetInBlock);
    }
}
