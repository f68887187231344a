using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Lists names by where they are: directories that have no index and cannot get one, and those whose index is
/// damaged.</summary>
internal sealed class PlaceOrderListing(
    int blockShift, DirectoryBlocks blocks, InlineDirectories inline, EntryEmitter emitter)
{
    /// <summary>Lists from a cookie on, which is a position in the directory's bytes.</summary>
    public void List<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        if (directory.Has(InodeFlags.InlineData))
        {
            ListInline(directory, layout, cookie, ref sink, position);
            return;
        }
        ulong size = (ulong)blocks.CountOf(directory) << blockShift;
        if (cookie > size)
        {
            if (!directory.HasDamagedIndex)
            {
                return; // any program may seek anywhere: behind the end there is nothing
            }
            Ext4CorruptException.Throw(
                Corruption.HashTreeRoot, $"directory {directory.Number}: position {cookie} of {size}; list it anew");
        }
        uint start = (uint)(cookie >> blockShift);
        for (uint at = start; blocks.TryReadNextLeaf(directory, layout, ref at, out BlockLease lease); at++)
        {
            using (lease)
            {
                ulong areaStart = (ulong)at << blockShift;
                ReadOnlySpan<byte> area = lease.Bytes[..layout.LeafBytes];
                if (!AddArea(directory, area, layout, at, areaStart, cookie, ref sink, position))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Positions as if the records followed "." and ".." in a block, where they go when the directory grows.
    /// </summary>
    private void ListInline<TSink>(
        Inode directory, in DirectoryLayout layout, ulong cookie, ref TSink sink, ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        const ulong dotsBytes = 24;
        ReadOnlySpan<byte> first = InlineDirectories.FirstArea(directory);
        if (!AddArea(directory, first, layout, EntryPlace.InlineBlock, dotsBytes, cookie, ref sink, position))
        {
            return;
        }
        using BlockLease lease = inline.OpenSecondArea(directory, out ReadOnlySpan<byte> second);
        AddArea(directory, second, layout, InlineDirectories.AttributeBlock, dotsBytes + (ulong)first.Length, cookie,
            ref sink, position);
    }

    /// <summary>Lists the records of an area that begin at or behind a position.</summary>
    private bool AddArea<TSink>(
        Inode directory,
        scoped ReadOnlySpan<byte> area,
        in DirectoryLayout layout,
        uint fileBlock,
        ulong areaStart,
        ulong cookie,
        ref TSink sink,
        ListingPosition position)
        where TSink : IDirectorySink, allows ref struct
    {
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            ulong place = areaStart + (ulong)record.Offset;
            if (place < cookie || !record.IsUsed || record.IsDot)
            {
                continue;
            }
            NameHash hash = layout.HasStoredHash ? record.StoredHash : default;
            if (!emitter.TryEmit(ref sink, directory, record, hash, place + (ulong)record.Length, position))
            {
                return false;
            }
        }
        return true;
    }
}
