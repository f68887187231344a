using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Directories inside their inode: the parent's number and records in i_block, more records in the attribute
/// system.data. Docs: ext4/inlinedata, "Inline Directories".</summary>
internal sealed class InlineDirectories(XattrReader xattrs)
{
    /// <summary>Bytes of the parent's number in front of the records in i_block.</summary>
    public const int ParentBytes = 4;

    /// <summary>Block number that stands for the records among the attributes, beside
    /// <see cref="EntryPlace.InlineBlock"/> for those in i_block.</summary>
    public const uint AttributeBlock = EntryPlace.InlineBlock + 1;

    /// <summary>Stands for the parent's number, where ".." is.</summary>
    public const uint ParentPlace = EntryPlace.InlineBlock - 1;

    /// <summary>The parent directory.</summary>
    public static InodeNumber ParentOf(Inode directory) =>
        new(BinaryPrimitives.ReadUInt32LittleEndian(directory.BlockAreaBytes));

    /// <summary>The records in i_block.</summary>
    public static ReadOnlySpan<byte> FirstArea(Inode directory)
    {
        long size = Math.Min(directory.SizeBytes, directory.BlockAreaBytes.Length);
        if (size < ParentBytes)
        {
            Ext4CorruptException.Throw(
                Corruption.InlineData, $"inline directory {directory.Number}: size {directory.SizeBytes}");
        }
        return directory.BlockAreaBytes[ParentBytes..(int)size];
    }

    /// <summary>Holds the inode's record for the records among its attributes.</summary>
    /// <param name="directory">Its lock is held.</param>
    /// <param name="area">The records; empty when there are none.</param>
    public BlockLease OpenSecondArea(Inode directory, out ReadOnlySpan<byte> area)
    {
        BlockLease lease = xattrs.OpenInode(directory, out XattrArea attributes);
        area = default;
        if (attributes.TryFind(XattrName.InlineData, out XattrEntry entry))
        {
            area = entry.Value;
        }
        return lease;
    }

    /// <summary>Whether a directory holds nothing but "." and "..".</summary>
    public bool IsEmpty(Inode directory, in DirectoryLayout layout)
    {
        using BlockLease lease = OpenSecondArea(directory, out ReadOnlySpan<byte> second);
        return !HasNames(FirstArea(directory), layout, EntryPlace.InlineBlock)
            && !HasNames(second, layout, AttributeBlock);
    }

    private static bool HasNames(ReadOnlySpan<byte> area, in DirectoryLayout layout, uint fileBlock)
    {
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.IsUsed)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Finds a name.</summary>
    public bool Find(Inode directory, in DirectoryLayout layout, SearchName wanted, out EntryPlace place)
    {
        if (DirectoryRecord.IsDotName(wanted.Name))
        {
            place = new EntryPlace(ParentOf(directory), DirectoryFileType.Directory, ParentPlace, 0, default);
            return true;
        }
        if (DirectoryFinder.FindInArea(
            FirstArea(directory), layout, EntryPlace.InlineBlock, wanted, out place))
        {
            return true;
        }
        using BlockLease lease = OpenSecondArea(directory, out ReadOnlySpan<byte> second);
        return DirectoryFinder.FindInArea(second, layout, AttributeBlock, wanted, out place);
    }
}
