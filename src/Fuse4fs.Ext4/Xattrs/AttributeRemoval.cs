using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>The prepared removal of all that an inode's attributes take outside its record.</summary>
internal sealed class AttributeRemoval(ValueReferences values) : IDisposable
{
    /// <summary>Blocks that the removal changes.</summary>
    public int Credits => BlockCredits + values.Credits;

    /// <summary>Of these, for the attribute block.</summary>
    public int BlockCredits { get; set; }

    /// <summary>Journaled blocks that it frees.</summary>
    public int Forgets { get; set; }

    /// <summary>The inodes that hold values.</summary>
    public ValueReferences Values => values;

    /// <summary>Inodes of values that nobody refers to any more: orphans once the removal was applied.</summary>
    public List<InodeNumber> Orphaned => values.Orphaned;

    /// <summary>Lets the inodes go.</summary>
    public void Dispose() => values.Dispose();
}
