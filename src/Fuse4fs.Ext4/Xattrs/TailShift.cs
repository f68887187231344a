using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Moves the attributes in an inode towards its end, so that more fields fit in front of them. Kernel:
/// ext4_expand_extra_isize_ea.</summary>
internal sealed class TailShift(Geometry geometry) : IExtraSpace
{
    /// <inheritdoc/>
    public void TryGrow(Inode inode, int wantedBytes, Span<byte> record)
    {
        Span<byte> tail = record[(InodeRecord.SizeBytes + inode.ExtraSizeBytes)..];
        Span<byte> shorter = record[(InodeRecord.SizeBytes + wantedBytes)..];
        Span<byte> fresh = new byte[shorter.Length];
        try
        {
            if (!TryRebuild(tail, fresh, inode.Number))
            {
                return;
            }
        }
        catch (Ext4CorruptException)
        {
            return;     // stays as it is: whoever reads the attributes is told, and this may be inside a handle
        }
        tail.Clear();
        fresh.CopyTo(shorter);
        inode.ExtraSizeBytes = wantedBytes;
    }

    private bool TryRebuild(ReadOnlySpan<byte> tail, Span<byte> fresh, InodeNumber number)
    {
        if (!XattrArea.TryOpenInode(tail, geometry, number, out XattrArea area))
        {
            return true;        // there are none
        }
        if (fresh.Length < XattrArea.InodeHeaderBytes + sizeof(uint))
        {
            return false;
        }
        XattrAreaBuilder builder = XattrAreaBuilder.ForInode(fresh[XattrArea.InodeHeaderBytes..]);
        BinaryPrimitives.WriteUInt32LittleEndian(fresh, XattrBlockHeader.ExpectedMagic);
        return builder.TryCopyAll(area);
    }
}
