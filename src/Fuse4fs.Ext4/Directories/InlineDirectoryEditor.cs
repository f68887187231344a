using System.Buffers.Binary;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Changes directories inside their inode: first the records in i_block, then those in the attribute
/// system.data; when both are full the names move to a block. Needs the directory's lock exclusively. Docs:
/// ext4/inlinedata, "Inline Directories".</summary>
internal sealed class InlineDirectoryEditor(
    VolumeContext context, DirectoryReader reader, InodeTable inodes, MapEditor maps, HoleAllocator holes,
    BlockAllocator allocator, XattrWriter attributes, Journal journal)
{
    /// <summary>Makes a new inode an empty directory; the caller gives it the attribute.</summary>
    public static void Initialize(Inode directory, InodeNumber parent)
    {
        directory.Flags |= InodeFlags.InlineData;
        directory.SizeBytes = BlockArea.SizeBytes;
        directory.BlockAreaBytes.Clear();
        SetParent(directory, parent);
        InitializeEmpty(directory.BlockAreaBytes[InlineDirectories.ParentBytes..]);
    }

    /// <summary>Looks for room for a record.</summary>
    /// <param name="directory">Inline.</param>
    /// <param name="layout">Its layout.</param>
    /// <param name="needed">Bytes of the record.</param>
    /// <param name="plan">Filled with true; keeps the inode's block in memory.</param>
    /// <returns>False when a step has to make room first.</returns>
    public bool TryPlan(Inode directory, in DirectoryLayout layout, int needed, scoped ref InsertPlan plan)
    {
        BlockLease lease = reader.Inline.OpenSecondArea(directory, out ReadOnlySpan<byte> second);
        plan.Hold(lease);
        plan.Kind = InsertKind.InPlace;
        plan.FileBlock = EntryPlace.InlineBlock;
        if (LeafEditor.TryFindRoom(
            InlineDirectories.FirstArea(directory), layout, plan.FileBlock, needed, out int offset))
        {
            plan.Offset = offset;
            return true;
        }
        plan.FileBlock = InlineDirectories.AttributeBlock;
        bool isFound = LeafEditor.TryFindRoom(second, layout, plan.FileBlock, needed, out offset);
        plan.Offset = offset;
        return isFound;
    }

    /// <summary>Makes room: among the attributes, when nothing is there yet and that suffices; else the names move to a
    /// block.</summary>
    /// <returns>Ok, NoSpace, or ReadOnly.</returns>
    public Errno MakeRoom(Inode directory, in DirectoryLayout layout, int needed, SpaceClaim claim)
    {
        if (directory.SizeBytes > BlockArea.SizeBytes)
        {
            return MoveOut(directory, layout, claim);
        }
        XattrEdit edit = attributes.Begin(directory);
        try
        {
            byte[] area = new byte[edit.LargestInTail(XattrName.InlineData)];
            if (area.Length < needed)
            {
                return MoveOut(directory, layout, claim);
            }
            InitializeEmpty(area);
            if (!edit.TrySetInTail(XattrName.InlineData, area))
            {
                return MoveOut(directory, layout, claim);
            }
            Errno error = journal.TryStart(attributes.Credits(edit) + inodes.StoreCredits, out Handle handle);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                attributes.Apply(handle, edit);
                directory.SizeBytes = BlockArea.SizeBytes + area.Length;
                inodes.Store(handle, directory);
                handle.Complete();
            }
            return Errno.Ok;
        }
        finally
        {
            attributes.Finish(edit);
        }
    }

    /// <summary>Adds a name where <see cref="TryPlan"/> found room. The caller stores the directory.</summary>
    public void Insert(
        Handle handle, Inode directory, in DirectoryLayout layout, scoped ref InsertPlan plan, scoped NewRecord added)
    {
        using BlockLease lease = OpenArea(handle, directory, plan.FileBlock, out Span<byte> area);
        LeafEditor.Insert(area, layout, plan.Offset, added);
    }

    /// <summary>Removes a name. The caller stores the directory.</summary>
    public void Remove(Handle handle, Inode directory, in DirectoryLayout layout, EntryPlace place)
    {
        using BlockLease lease = OpenArea(handle, directory, place.FileBlock, out Span<byte> area);
        LeafEditor.Remove(area, layout, place.FileBlock, place.Offset);
    }

    /// <summary>Makes a name, possibly "..", refer to another inode. The caller stores the directory.</summary>
    public void Replace(
        Handle handle, Inode directory, EntryPlace place, InodeNumber inode, DirectoryFileType type)
    {
        if (place.FileBlock == InlineDirectories.ParentPlace)
        {
            SetParent(directory, inode);
            return;
        }
        using BlockLease lease = OpenArea(handle, directory, place.FileBlock, out Span<byte> area);
        LeafEditor.Replace(area, place.Offset, inode, type);
    }

    /// <summary>Whether a place is inside the inode.</summary>
    public static bool IsInside(EntryPlace place) => place.FileBlock >= InlineDirectories.ParentPlace;

    /// <summary>Gives the directory a block, in a handle of its own.</summary>
    private Errno MoveOut(Inode directory, in DirectoryLayout layout, SpaceClaim claim)
    {
        List<(byte[] Name, InodeNumber Inode, DirectoryFileType Type)> names = Collect(directory, layout);
        InodeNumber parent = InlineDirectories.ParentOf(directory);
        XattrEdit edit = attributes.Begin(directory);
        BlockArea saved = default;
        directory.BlockAreaBytes.CopyTo(saved);
        InodeFlags savedFlags = directory.Flags;
        bool isDone = false;
        using var block = new BlockAddition(maps, holes, allocator);
        try
        {
            edit.Remove(XattrName.InlineData);
            directory.Flags &= ~InodeFlags.InlineData;
            maps.Initialize(directory);
            Errno error = block.Prepare(directory, 0, default, claim);
            Handle handle = null!;
            error = error == Errno.Ok
                ? journal.TryStart(
                    block.Credits + 1 + attributes.Credits(edit) + inodes.StoreCredits, out handle)
                : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                block.Apply(handle);
                attributes.Apply(handle, edit);
                using (BlockLease lease = handle.Create(block.Block))
                {
                    Fill(lease, directory, layout, parent, names);
                }
                directory.SizeBytes = context.Geometry.BlockSizeBytes;
                inodes.Store(handle, directory);
                handle.Complete();
            }
            isDone = true;
            return Errno.Ok;
        }
        finally
        {
            if (!isDone)
            {
                ((ReadOnlySpan<byte>)saved).CopyTo(directory.BlockAreaBytes);
                directory.Flags = savedFlags;
            }
            attributes.Finish(edit);
        }
    }

    private void Fill(
        BlockLease lease, Inode directory, in DirectoryLayout layout, InodeNumber parent,
        List<(byte[] Name, InodeNumber Inode, DirectoryFileType Type)> names)
    {
        LeafEditor.InitializeFirst(lease.Bytes, layout, parent, reader.Settings.HasFileTypes);
        Span<byte> area = lease.Bytes[..layout.LeafBytes];
        foreach ((byte[] name, InodeNumber inode, DirectoryFileType type) in names)
        {
            int needed = DirectoryRecordHeader.LengthFor(name.Length, layout.HasStoredHash);
            if (!LeafEditor.TryFindRoom(area, layout, 0, needed, out int offset))
            {
                throw new InvalidOperationException($"directory {directory.Number}: its names do not fit into a block");
            }
            LeafEditor.Insert(area, layout, offset, new NewRecord(name, inode, type, default));
        }
        LeafEditor.Seal(lease.Bytes, layout, directory.ChecksumSeed);
    }

    private List<(byte[] Name, InodeNumber Inode, DirectoryFileType Type)> Collect(
        Inode directory, in DirectoryLayout layout)
    {
        var names = new List<(byte[], InodeNumber, DirectoryFileType)>();
        int bytes = 3 * DirectoryRecordHeader.LengthFor(2, hasStoredHash: false);
        using BlockLease lease = reader.Inline.OpenSecondArea(directory, out ReadOnlySpan<byte> second);
        for (uint at = EntryPlace.InlineBlock; at >= EntryPlace.InlineBlock; at = unchecked(at + 1))
        {
            ReadOnlySpan<byte> area = at == EntryPlace.InlineBlock ? InlineDirectories.FirstArea(directory) : second;
            foreach (DirectoryRecord record in new DirectoryRecords(area, layout, at))
            {
                if (record.IsUsed)
                {
                    names.Add((record.Name.ToArray(), record.Inode, record.FileType));
                    bytes += LeafEditor.SmallestLength(record, layout);
                }
            }
        }
        if (bytes > layout.LeafBytes)
        {
            Ext4CorruptException.Throw(
                Corruption.InlineData, $"inline directory {directory.Number}: {bytes} bytes of names");
        }
        return names;
    }

    /// <summary>The records of one of the two areas, to be changed.</summary>
    private BlockLease OpenArea(Handle handle, Inode directory, uint fileBlock, out Span<byte> area)
    {
        BlockLease lease = handle.Update(directory.TableBlock);
        if (fileBlock == EntryPlace.InlineBlock)
        {
            area = directory.BlockAreaBytes[InlineDirectories.ParentBytes..];
            return lease;
        }
        Span<byte> record = lease.Bytes.Slice(directory.TableOffsetBytes, context.Geometry.InodeSizeBytes);
        area = InlineData.Rest(record, directory.Number);
        return lease;
    }

    private static void InitializeEmpty(Span<byte> area) =>
        Disk.At<DirectoryRecordHeader>(area, 0).RawLength = DirectoryRecordHeader.EncodeLength(area.Length);

    private static void SetParent(Inode directory, InodeNumber parent) =>
        BinaryPrimitives.WriteUInt32LittleEndian(directory.BlockAreaBytes, parent.Value);
}
