using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>How far the removal of one inode's blocks has come.</summary>
/// <param name="from">First file block to be freed.</param>
internal sealed class RemovalProgress(uint from)
{
    /// <summary>First file block that may still be mapped.</summary>
    public uint From { get; private set; } = from;

    /// <summary>All is freed.</summary>
    public bool IsDone { get; private set; }

    /// <summary>The slice being prepared or applied.</summary>
    public MapChange Change { get; } = new();

    /// <summary>The slice has something to free.</summary>
    public bool HasEntries => Change.HasEntries;

    /// <summary>The slice is over.</summary>
    public void Advance(bool isLast)
    {
        IsDone = isLast;
        From = (uint)Math.Min(Change.End, ExtentNodePlace.FileEnd);
    }
}
