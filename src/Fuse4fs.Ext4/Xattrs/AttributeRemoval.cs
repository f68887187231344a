using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>The prepared removal of all that an inode's attributes take outside its record.</summary>
internal sealed class AttributeRemoval : IDisposable
{
    /// <summary>Blocks that the removal changes.</summary>
    public int Credits { get; set; }

    /// <summary>Journaled blocks that it frees.</summary>
    public int Forgets { get; set; }

    /// <summary>The inodes that hold values, once for each attribute.</summary>
    public List<InodeReference> Values { get; } = [];

    /// <summary>Inodes of values that nobody refers to any more: orphans once the removal was applied.</summary>
    public List<InodeNumber> Orphaned { get; } = [];

    /// <summary>Lets the inodes go.</summary>
    public void Dispose()
    {
        Values.ForEach(value => value.Dispose());
        Values.Clear();
    }
}
