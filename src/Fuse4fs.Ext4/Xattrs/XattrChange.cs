using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>What changes along with an extended attribute.</summary>
/// <param name="Mode">The inode's mode from then on.</param>
/// <param name="Now">Its change time.</param>
/// <param name="Claim">How deep to dig into the last free space.</param>
internal sealed record XattrChange(ushort Mode, Timestamp Now, SpaceClaim Claim)
{
    /// <summary>Filled: inodes of values that nobody refers to any more, to be removed when all locks are given back.
    /// </summary>
    public List<InodeNumber> Orphaned { get; } = [];
}
