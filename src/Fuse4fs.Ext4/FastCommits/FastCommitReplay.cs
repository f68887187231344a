using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Turns fast commits into changed blocks: what the records say, and everything that follows from it -
/// bitmaps, counts, extent trees, directory blocks, checksums.</summary>
/// <remarks>
/// <para>A record states a result, not a step ("this name refers to this inode"), so records are applied one after the
/// other to inodes, maps and directories in memory, and only the outcome is written. New positions for tree nodes and
/// directory blocks are chosen after all blocks that the records name are marked used.</para>
/// <para>Docs: ext4/journal, "Fast commits". Kernel: ext4_fc_replay.</para>
/// </remarks>
internal sealed class FastCommitReplay
{
    private readonly Geometry _geometry;
    private readonly ReplayBlocks _blocks;
    private readonly ReplayBitmaps _bitmaps;
    private readonly ReplayInodes _inodes;
    private readonly DirectoryFormat _format;

    private FastCommitReplay(IBlockDevice device, Geometry geometry, in Superblock super)
    {
        var checksums = new Checksums(geometry);
        _geometry = geometry;
        _blocks = new ReplayBlocks(device, geometry);
        _bitmaps = new ReplayBitmaps(_blocks, geometry, checksums);
        _inodes = new ReplayInodes(_blocks, _bitmaps, geometry, checksums);
        _format = new DirectoryFormat(geometry, in super);
    }

    /// <summary>Computes what the records make of a volume. Writes nothing.</summary>
    /// <param name="device">The volume, its log replayed.</param>
    /// <param name="geometry">Of the volume.</param>
    /// <param name="super">Its superblock.</param>
    /// <param name="records">Of the complete fast commits.</param>
    /// <param name="now">Deletion time of what is deleted.</param>
    /// <returns>The changed blocks, ascending.</returns>
    /// <exception cref="Ext4CorruptException">Volume or records are damaged.</exception>
    /// <exception cref="DeviceException">A read failed.</exception>
    public static IReadOnlyList<(FsBlock Block, byte[] Bytes)> Compute(
        IBlockDevice device, Geometry geometry, in Superblock super, IReadOnlyList<FastCommitRecord> records,
        DateTimeOffset now)
    {
        var replay = new FastCommitReplay(device, geometry, in super);
        try
        {
            foreach (FastCommitRecord record in records)
            {
                replay.Apply(in record);
            }
            var outcome = new FastCommitOutcome(
                geometry, replay._blocks, replay._bitmaps, replay._inodes, replay._format, now);
            outcome.Settle();
        }
        catch (OverflowException impossible)    // counts that cannot be: sums of what was valid one by one
        {
            Ext4CorruptException.Throw(Corruption.FastCommit, $"fast commit: {impossible.Message}");
        }
        return replay._blocks.Changed;
    }

    private void Apply(in FastCommitRecord record)
    {
        switch (record.Tag)
        {
            case FastCommitTag.Inode:
                ApplyInode(record.Inode, record.InodeBytes);
                break;
            case FastCommitTag.AddRange:
                AddRange(_inodes.Get(record.Inode), record.Extent);
                break;
            case FastCommitTag.DeleteRange:
                DeleteRange(_inodes.Get(record.Inode), record.FirstFileBlock, record.LengthBlocks);
                break;
            case FastCommitTag.Create:
            case FastCommitTag.Link:
                Link(in record, isNew: record.Tag == FastCommitTag.Create);
                break;
            case FastCommitTag.Unlink:
                Unlink(in record);
                break;
            default:
                break;
        }
    }

    /// <summary>Takes over an inode as it was at the commit, without its map: ranges tell that. Of directories the size
    /// and the index are left as they are here, since their blocks are laid out anew.</summary>
    private void ApplyInode(InodeNumber number, ReadOnlySpan<byte> bytes)
    {
        ReplayInode inode = _inodes.Get(number);
        ref readonly InodeRecord given = ref Disk.At<InodeRecord>(bytes, 0);
        if (!inode.IsInUse || given.Generation != inode.Fields.Generation)
        {
            inode.IsNew = true;
            inode.IsNamed = false;
            inode.WasOrphan = false;
            inode.Map.Clear();
            inode.IsMapChanged = true;
            inode.Directory = null;
            inode.Record.AsSpan().Clear();
        }
        uint orphanLink = inode.Fields.DeletionTime;
        ulong size = inode.SizeBytes;
        InodeFlags index = inode.Flags & InodeFlags.HashIndexed;
        int blockArea = InodeBlockAreaOffset;
        Span<byte> oldArea = stackalloc byte[BlockArea.SizeBytes];
        ((ReadOnlySpan<byte>)inode.Fields.BlockArea).CopyTo(oldArea);
        bytes.CopyTo(inode.Record);
        bool isInline = (inode.Flags & InodeFlags.InlineData) != 0;
        bool hasBlocks = inode.Kind is FileKind.Regular or FileKind.Directory;
        bool takesArea = !inode.HasExtents && (isInline || !hasBlocks);
        if (!takesArea)
        {
            oldArea.CopyTo(inode.Record.AsSpan(blockArea));
        }
        if (!inode.HasExtents && inode.Map.Extents.Count > 0)
        {
            inode.Map.Clear();
            inode.IsMapChanged = true;
        }
        if (inode.WasOrphan)
        {
            inode.Fields.DeletionTime = orphanLink;     // a link of the orphan list, which is not part of this
        }
        if (inode.IsDirectory && inode.HasExtents)
        {
            inode.SizeBytes = size;
            inode.Flags = (inode.Flags & ~InodeFlags.HashIndexed) | index;
        }
        inode.IsInUse = true;
        inode.IsChanged = true;
    }

    private static int InodeBlockAreaOffset =>
        (int)System.Runtime.InteropServices.Marshal.OffsetOf<InodeRecord>(nameof(InodeRecord.BlockArea));

    private void AddRange(ReplayInode inode, ExtentEntry entry)
    {
        if (!inode.IsInUse)
        {
            return;
        }
        var extent = new Extent(entry.FirstFileBlock, entry.Start, entry.LengthBlocks, entry.IsUnwritten);
        if (!inode.HasExtents || extent.LengthBlocks == 0 || extent.EndFileBlock > ExtentNodePlace.FileEnd
            || !_geometry.IsDataRange(extent.Start, extent.LengthBlocks))
        {
            Ext4CorruptException.Throw(Corruption.FastCommit,
                $"fast commit: inode {inode.Number}, blocks {extent.Start} + {extent.LengthBlocks}");
        }
        inode.Map.Put(in extent);
        inode.IsMapChanged = true;
        inode.IsChanged = true;
    }

    private static void DeleteRange(ReplayInode inode, uint first, uint count)
    {
        if (inode.IsInUse && inode.HasExtents)
        {
            inode.Map.Remove(first, count);
            inode.IsMapChanged = true;
            inode.IsChanged = true;
        }
    }

    private void Link(in FastCommitRecord record, bool isNew)
    {
        ReplayDirectory? parent = DirectoryOf(record.Parent);
        ReplayInode child = _inodes.Get(record.Child);
        if (parent is null || !child.IsInUse)
        {
            return;
        }
        CheckName(record.Name);
        if (child.IsDirectory && child.Directory is null && child.IsNew)
        {
            child.Directory = new ReplayDirectory(child, _blocks, _format, record.Parent);
        }
        InodeNumber present = parent.Find(record.Name);
        child.IsNamed = true;
        child.IsChanged = true;
        if (present != record.Child)
        {
            if (present != InodeNumber.None)
            {
                parent.Remove(record.Name);
            }
            parent.Add(record.Name, record.Child, _format.HasFileTypes ? TypeOf(child.Kind) : default);
            if (!child.IsDirectory && !isNew)
            {
                child.Fields.LinkCount = (ushort)Math.Min(child.Fields.LinkCount + 1, ushort.MaxValue);
            }
        }
        if (isNew && !child.IsDirectory)
        {
            child.Fields.LinkCount = 1;
        }
    }

    private void Unlink(in FastCommitRecord record)
    {
        ReplayDirectory? parent = DirectoryOf(record.Parent);
        ReplayInode child = _inodes.Get(record.Child);
        if (parent is null || !child.IsInUse)
        {
            return;
        }
        InodeNumber present = parent.Find(record.Name);
        if (present == InodeNumber.None)
        {
            return;
        }
        if (present == record.Child)
        {
            parent.Remove(record.Name);
        }
        if (child.IsDirectory)
        {
            child.Fields.LinkCount = present == record.Child ? (ushort)0 : child.Fields.LinkCount;
        }
        else if (child.Fields.LinkCount > 0)
        {
            child.Fields.LinkCount--;
        }
        child.IsChanged = true;
    }

    /// <summary>A directory's entries; null when it is none. One with its entries inside the inode needs no replay: its
    /// inode record carries them.</summary>
    private ReplayDirectory? DirectoryOf(InodeNumber number)
    {
        ReplayInode inode = _inodes.Get(number);
        if (!inode.IsInUse || !inode.IsDirectory || !inode.HasExtents)
        {
            return null;
        }
        if ((inode.Flags & InodeFlags.Encrypted) != 0)
        {
            Ext4CorruptException.Throw(Corruption.FastCommit, $"fast commit: encrypted directory {number}");
        }
        inode.IsChanged = true;
        return inode.Directory ??= new ReplayDirectory(inode, _blocks, _format, number);
    }

    private static void CheckName(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > 255 || name.IndexOfAny((byte)0, (byte)'/') >= 0 || DirectoryRecord.IsDotName(name))
        {
            Ext4CorruptException.Throw(Corruption.FastCommit, "fast commit: name");
        }
    }

    private static DirectoryFileType TypeOf(FileKind kind) => kind switch
    {
        FileKind.Regular => DirectoryFileType.Regular,
        FileKind.Directory => DirectoryFileType.Directory,
        FileKind.CharacterDevice => DirectoryFileType.CharacterDevice,
        FileKind.BlockDevice => DirectoryFileType.BlockDevice,
        FileKind.Fifo => DirectoryFileType.Fifo,
        FileKind.Socket => DirectoryFileType.Socket,
        FileKind.Symlink => DirectoryFileType.Symlink,
        _ => DirectoryFileType.Unknown,
    };
}
