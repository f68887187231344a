using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Whoever owns the superblock's counters: asked when the superblock is written at a full sync or the unmount,
/// since writing them with every change would put the superblock into every transaction.</summary>
public interface ISuperblockSource
{
    /// <summary>Fills in free counts and whatever else is kept in memory. Takes no lock above the group's.</summary>
    void Store(ref Superblock superblock);
}
