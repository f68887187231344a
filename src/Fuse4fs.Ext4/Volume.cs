using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;

namespace Fuse4fs.Ext4;

/// <summary>An opened ext2, ext3 or ext4 volume: one method per file-system operation, one partial file per concern.
/// All methods are thread-safe.</summary>
/// <remarks>
/// Expected outcomes are Errno values. Damage (<see cref="Ext4CorruptException"/>) and failures of the device
/// (<see cref="DeviceException"/>) are thrown; whoever serves requests catches both in one place.
/// <para>Lock order: rename gate, inodes (by number, see <see cref="InodeLocks"/>), journal handle, file map, inode
/// table, quota, orphan list, group, shared xattr block, block frame. Never wait for an inode, a commit or the kernel
/// while holding anything from the handle down.</para>
/// </remarks>
public sealed partial class Volume : IDisposable
{
    private readonly VolumeOptions _options;

    private Volume(VolumeContext context, VolumeOptions options)
    {
        Context = context;
        _options = options;
        Inodes = new InodeTable(context, options.CachedInodes);
        Map = new FileMap(context);
        Reader = new FileReader(context, Inodes, Map);
        DelegatedMaps = new DelegatedMaps(context, Map);
        Sequential = new SequentialReads(context, Map);
        Symlinks = new SymlinkReader(context, Inodes, Map);
        _overheadClusters = new Lazy<ulong>(CountOverhead, LazyThreadSafetyMode.PublicationOnly);
        _free = new Lazy<(ulong Clusters, uint Inodes)>(
            CountFree, LazyThreadSafetyMode.PublicationOnly);
        Xattrs = new XattrReader(context, Inodes, Map);
        Directories = new DirectoryReader(context, Map, Xattrs);
    }

    /// <summary>Device, cache and facts of the volume.</summary>
    public VolumeContext Context { get; }

    /// <summary>The inodes in memory.</summary>
    internal InodeTable Inodes { get; }

    /// <summary>Where the blocks of files are.</summary>
    internal FileMap Map { get; }

    private FileReader Reader { get; }

    private SequentialReads Sequential { get; }

    private SymlinkReader Symlinks { get; }

    /// <summary>Nothing can be changed.</summary>
    public bool IsReadOnly => Context.IsReadOnly;

    /// <summary>What is read is not what is on the device: its journal was replayed in memory.</summary>
    public bool IsReplayedInMemory => Context.Device is OverlayDevice;

    /// <summary>Commits, marks the volume clean and releases the device. Nobody may be inside an operation.</summary>
    public void Dispose()
    {
        DropDelegated();
        FinishOrphans();
        StopQuotas();
        Journal?.Close();
        MountGuard?.Dispose();
        Space?.Dispose();
        Context.Device.Dispose();
        _options.JournalDevice?.Dispose();
    }
}
