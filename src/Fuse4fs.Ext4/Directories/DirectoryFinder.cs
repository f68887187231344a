using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Finds names. Needs the directory's lock, shared or exclusively.</summary>
internal sealed class DirectoryFinder(
    VolumeContext context, DirectoryBlocks blocks, HashTree tree, InlineDirectories inline, DirectorySettings settings)
{
    /// <summary>Longest name, bytes.</summary>
    public const int MaximumNameBytes = 255;

    /// <summary>Finds a name.</summary>
    /// <param name="directory">A directory; of an encrypted one names are those a listing without key shows.</param>
    /// <param name="name">Any bytes but NUL and '/'.</param>
    /// <param name="place">Valid only with Ok.</param>
    /// <returns>Ok, NoEntry, NameTooLong, or Invalid for what a strict casefolded directory refuses.</returns>
    /// <exception cref="Ext4CorruptException">A block that had to be searched is damaged.</exception>
    public Errno Find(Inode directory, ReadOnlySpan<byte> name, out EntryPlace place)
    {
        place = default;
        if (name.Length > MaximumNameBytes)
        {
            return Errno.NameTooLong;
        }
        if (name.IsEmpty)
        {
            return Errno.NoEntry;
        }
        if (name is [(byte)'.'])
        {
            place = new EntryPlace(directory.Number, DirectoryFileType.Directory, 0, 0, default);
            return Errno.Ok;
        }
        Span<byte> buffer = stackalloc byte[SearchName.BufferBytes];
        Errno error = SearchName.TryPrepare(directory, settings, name, buffer, out SearchName wanted);
        if (error != Errno.Ok)
        {
            return error;
        }
        return FindPrepared(directory, wanted, out place) ? Errno.Ok : Errno.NoEntry;
    }

    /// <summary>As <see cref="Find"/>, with a name prepared for this directory.</summary>
    public bool FindPrepared(Inode directory, SearchName wanted, out EntryPlace place)
    {
        DirectoryLayout layout = settings.LayoutOf(directory);
        if (directory.Has(InodeFlags.InlineData))
        {
            return inline.Find(directory, layout, wanted, out place);
        }
        if (DirectoryRecord.IsDotName(wanted.Name))
        {
            return FindDotDot(directory, layout, wanted, out place);
        }
        if (!settings.HasIndex || !directory.Has(InodeFlags.HashIndexed) || directory.HasDamagedIndex)
        {
            return FindLinearly(directory, layout, wanted, out place);
        }
        try
        {
            if (FindByHash(directory, layout, wanted, out place))
            {
                return true;
            }
        }
        catch (Ext4CorruptException damage) when (damage.Kind is Corruption.HashTreeRoot or Corruption.HashTreeNode)
        {
            directory.HasDamagedIndex = true;
            context.Events.Damage(damage, directory.Number);
            return FindLinearly(directory, layout, wanted, out place);
        }
        return directory.Has(InodeFlags.Casefold) && settings.MayHaveForeignHashes
            && !System.Text.Ascii.IsValid(wanted.Name)
            && FindLinearly(directory, layout, wanted, out place);
    }

    private bool FindByHash(Inode directory, in DirectoryLayout layout, SearchName wanted, out EntryPlace place)
    {
        tree.ReadRoot(directory, layout, out HashTreePath path);
        uint hash = wanted.Hash(path.Hasher, layout.HasStoredHash).Major;
        tree.Probe(directory, layout, hash, ref path);
        uint remaining = blocks.CountOf(directory); // a leaf cannot come twice
        while (true)
        {
            using (BlockLease lease = blocks.ReadLeaf(directory, path.Leaf))
            {
                if (FindInBlock(lease, layout, path.Leaf, wanted, out place))
                {
                    return true;
                }
            }
            if (!tree.TryPeekNext(directory, layout, in path, out uint next) || (next & ~1u) != hash)
            {
                return false;
            }
            if (remaining-- == 0)
            {
                Ext4CorruptException.Throw(
                    Corruption.HashTreeNode, $"index of directory {directory.Number}: hash {hash:x8} goes on for ever");
            }
            tree.MoveNext(directory, layout, next, ref path);
        }
    }

    private bool FindLinearly(Inode directory, in DirectoryLayout layout, SearchName wanted, out EntryPlace place)
    {
        for (uint at = 0; blocks.TryReadNextLeaf(directory, layout, ref at, out BlockLease lease); at++)
        {
            using (lease)
            {
                if (FindInBlock(lease, layout, at, wanted, out place))
                {
                    return true;
                }
            }
        }
        place = default;
        return false;
    }

    /// <summary>".." is the second record of block 0, also in front of an index; there it is trusted without the
    /// index's checksum, as by the kernel, so that a damaged index does not hide it.</summary>
    private bool FindDotDot(Inode directory, in DirectoryLayout layout, SearchName wanted, out EntryPlace place)
    {
        bool isRoot = settings.HasIndex && directory.Has(InodeFlags.HashIndexed);
        using BlockLease lease = isRoot ? blocks.Read(directory, 0) : blocks.ReadLeaf(directory, 0);
        int length = isRoot ? layout.BlockSizeBytes : layout.LeafBytes;
        bool isFound = FindInArea(lease.Bytes[..length], layout, 0, wanted, out place);
        place = place with { Block = lease.Block };
        return isFound;
    }

    private static bool FindInBlock(
        BlockLease lease, in DirectoryLayout layout, uint fileBlock, SearchName wanted, out EntryPlace place)
    {
        bool isFound = FindInArea(lease.Bytes[..layout.LeafBytes], layout, fileBlock, wanted, out place);
        place = place with { Block = lease.Block };
        return isFound;
    }

    /// <summary>Searches a run of records.</summary>
    internal static bool FindInArea(
        ReadOnlySpan<byte> area, in DirectoryLayout layout, uint fileBlock, SearchName wanted, out EntryPlace place)
    {
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.IsUsed && wanted.Matches(record.Name))
            {
                place = new EntryPlace(record.Inode, record.FileType, fileBlock, record.Offset, default);
                return true;
            }
        }
        place = default;
        return false;
    }
}
