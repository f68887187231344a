using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Files whose data is in the inode: 60 bytes in i_block, the rest as an attribute. Changes them there, in one
/// handle, for as long as they fit; then moves the data to a block. Callers hold the inode's lock exclusively. Docs:
/// ext4/inlinedata.</summary>
internal sealed class InlineFiles(WriteServices services, FileWriter writer, DataWriter data, XattrWriter attributes)
{
    private const int InBlockArea = BlockArea.SizeBytes;

    /// <summary>Writes, if the file is inside its inode, or empty and may be, and fits there with the data.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="bytes">At least one.</param>
    /// <param name="options">How.</param>
    /// <param name="isDone">False with Ok when the file has blocks now, and is to be written like others.</param>
    /// <returns>NoSpace, ReadOnly, or Ok.</returns>
    public Errno Write(
        Inode inode, long offset, ReadOnlySpan<byte> bytes, in WriteOptions options, out bool isDone)
    {
        isDone = false;
        bool isEmpty = inode.MayBeInline && inode.SizeBytes == 0;
        if (!inode.Has(InodeFlags.InlineData) && !isEmpty)
        {
            return Errno.Ok;
        }
        long size = Math.Max(inode.SizeBytes, offset + bytes.Length);
        if (size <= services.Context.Geometry.InodeSizeBytes)
        {
            byte[] contents = new byte[size];
            Read(inode, contents);
            bytes.CopyTo(contents.AsSpan((int)offset));
            Errno error = Store(inode, contents, in options, out isDone);
            if (error != Errno.Ok || isDone)
            {
                return error;
            }
        }
        return MoveOut(inode, in options);
    }

    /// <summary>Sets the size of a file inside its inode, if it can stay there.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="options">How.</param>
    /// <param name="isDone">False with Ok when the file has blocks now, and is to be changed like others.</param>
    /// <returns>NoSpace, ReadOnly, or Ok.</returns>
    public Errno SetSize(Inode inode, long size, in WriteOptions options, out bool isDone)
    {
        isDone = false;
        if (inode.Has(InodeFlags.InlineData) && size <= Math.Max(Capacity(inode), inode.SizeBytes)
            && size <= services.Context.Geometry.InodeSizeBytes)
        {
            byte[] contents = new byte[size];
            Read(inode, contents.AsSpan(0, (int)Math.Min(size, inode.SizeBytes)));
            Errno error = Store(inode, contents, in options, out isDone);
            if (error != Errno.Ok || isDone)
            {
                return error;
            }
        }
        return MoveOut(inode, in options);
    }

    /// <summary>Gives a file inside its inode a block. The data is in the block before the handle starts in which the
    /// inode forgets it.</summary>
    /// <returns>NoSpace, ReadOnly, or Ok; also for files that have blocks.</returns>
    public Errno MoveOut(Inode inode, in WriteOptions options)
    {
        inode.MayBeInline = false;
        if (!inode.Has(InodeFlags.InlineData))
        {
            return Errno.Ok;
        }
        if (inode.SizeBytes > services.Context.Geometry.BlockSizeBytes)
        {
            Ext4CorruptException.Throw(
                Corruption.InlineData, $"inode {inode.Number}: {inode.SizeBytes} bytes inside the inode");
        }
        byte[] contents = new byte[Math.Max(1, inode.SizeBytes)];
        Read(inode, contents.AsSpan(0, (int)inode.SizeBytes));
        XattrEdit edit = attributes.Begin(inode);
        BlockArea saved = default;
        inode.BlockAreaBytes.CopyTo(saved);
        InodeFlags savedFlags = inode.Flags;
        Errno error = Errno.InputOutput;
        try
        {
            edit.Remove(XattrName.InlineData);
            inode.Flags &= ~InodeFlags.InlineData;
            services.Maps.Initialize(inode);
            error = Insert(inode, contents, edit, in options);
            return error;
        }
        finally
        {
            if (error != Errno.Ok)
            {
                ((ReadOnlySpan<byte>)saved).CopyTo(inode.BlockAreaBytes);
                inode.Flags = savedFlags;
            }
            attributes.Finish(edit);
        }
    }

    private Errno Insert(Inode inode, ReadOnlySpan<byte> contents, XattrEdit edit, in WriteOptions options)
    {
        var hole = new MapRun(RunKind.Hole, 0, 1, default);
        Errno error = writer.Reserve(inode, in hole, 1, options.Claim, out HoleSpace space);
        if (error != Errno.Ok)
        {
            return error;
        }
        BlockRun fresh = space.Fresh;
        MapChange change = WriteServices.Change;
        try
        {
            error = services.Maps.PrepareInsert(inode, 0, space.Blocks.Start, change);
            Handle handle = null!;
            if (error == Errno.Ok)
            {
                data.Fill(
                    inode, (long)space.Blocks.Start.Value << services.Context.Geometry.BlockSizeShift, 0, contents);
                int credits = change.Credits + BlockAllocator.CommitCredits + attributes.Credits(edit);
                error = services.Journal.TryStart(credits, out handle);
            }
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                fresh = default;
                services.Allocator.Commit(handle, space.Fresh);
                attributes.Apply(handle, edit);
                var extent = new Extent(0, space.Blocks.Start, LengthBlocks: 1, IsUnwritten: false);
                change.Insert(handle, in extent, space.Fresh.LengthBlocks);
                inode.IsDataStorePending = true;
                services.Inodes.Store(handle, inode);
                handle.Complete();
                return Errno.Ok;
            }
        }
        finally
        {
            change.Finish();
            services.Allocator.Cancel(fresh);
        }
    }

    /// <summary>What the inode has room for as it is: the attribute is not enlarged by a new size alone. Kernel:
    /// ext4_setattr.</summary>
    private int Capacity(Inode inode)
    {
        using BlockLease lease = services.Inodes.ReadRecord(inode, out Span<byte> record);
        return InBlockArea + InlineData.Rest(record, inode.Number).Length;
    }

    private void Read(Inode inode, Span<byte> contents)
    {
        if (inode.Has(InodeFlags.InlineData))
        {
            int length = (int)Math.Min(contents.Length, inode.SizeBytes);
            using BlockLease lease = services.Inodes.ReadRecord(inode, out Span<byte> record);
            InlineData.Copy(inode.BlockAreaBytes, InlineData.Rest(record, inode.Number), 0, contents[..length]);
        }
    }

    private Errno Store(Inode inode, ReadOnlySpan<byte> contents, in WriteOptions options, out bool isDone)
    {
        isDone = false;
        if (inode.ExtraSizeBytes == 0)
        {
            return Errno.Ok;
        }
        XattrEdit edit = attributes.Begin(inode);
        try
        {
            int first = Math.Min(contents.Length, InBlockArea);
            if (!edit.TrySetInTail(XattrName.InlineData, contents[first..]))
            {
                return Errno.Ok;
            }
            Errno error = services.Journal.TryStart(
                attributes.Credits(edit) + services.Inodes.StoreCredits, out Handle handle);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                attributes.Apply(handle, edit);
                inode.Flags = (inode.Flags & ~InodeFlags.Extents) | InodeFlags.InlineData;
                inode.BlockAreaBytes.Clear();
                contents[..first].CopyTo(inode.BlockAreaBytes);
                inode.SizeBytes = contents.Length;
                inode.IsDataStorePending = true;
                services.Touch(inode, in options);
                services.Inodes.Store(handle, inode);
                handle.Complete();
            }
            isDone = true;
            return Errno.Ok;
        }
        finally
        {
            attributes.Finish(edit);
        }
    }
}
