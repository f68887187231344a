using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    private const int CopyBufferBytes = 256 << 10;

    /// <summary>What changing data needs; null on a volume opened read-only.</summary>
    internal WriteServices? Writing { get; private set; }

    private FileWriter? Writer { get; set; }

    private InlineFiles? Inline { get; set; }

    private FileSpace? FileSpace { get; set; }

    /// <summary>Takes blocks away from files; null on a volume opened read-only.</summary>
    internal FileTruncation? Truncation { get; private set; }

    /// <summary>Data of files goes through the journal (data=journal).</summary>
    public bool JournalsData => Reader.Journaled is not null;

    /// <summary>Writes data to a file.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="offset">First byte; behind the end, what lies between becomes a hole.</param>
    /// <param name="data">Written from the start.</param>
    /// <param name="options">How.</param>
    /// <param name="written">Bytes written: all of them with Ok, unless the largest file size cut the data short; else
    /// those before the error.</param>
    /// <returns>ReadOnly, NoSpace, FileTooBig, IsDirectory, Invalid for other kinds and negative offsets, NotPermitted
    /// for immutable and verity files, NoKey for encrypted ones, Stale, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno Write(
        InodeNumber number, long offset, ReadOnlySpan<byte> data, in WriteOptions options, out int written)
    {
        written = 0;
        Errno error = OpenForChange(number, offset, in options, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        {
            int length = (int)Math.Min(data.Length, Math.Max(0, Writing!.Maps.MaximumFileBytes(reference.Inode) - offset));
            if (length == 0)
            {
                return data.IsEmpty ? Errno.Ok : Errno.FileTooBig;
            }
            error = LockAndDropCapability(reference.Inode, in options);
            return error == Errno.Ok
                ? WriteLocked(reference.Inode, offset, data[..length], in options, out written)
                : error;
        }
    }

    /// <summary>The last descriptor open for writing was closed: space kept ahead of the writer is given
    /// back.</summary>
    public void ReleaseWriter(InodeNumber number)
    {
        if (Writing is null || Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference reference) != Errno.Ok)
        {
            return;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            Writing.ReleaseWindows(reference.Inode);
        }
    }

    /// <summary>Sets a file's size, as truncate(2) does.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="options">How.</param>
    /// <returns>As <see cref="Write"/>.</returns>
    public Errno Truncate(InodeNumber number, long size, in WriteOptions options)
    {
        Errno error = OpenForChange(number, size, in options, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            error = size > Writing!.Maps.MaximumFileBytes(reference.Inode) ? Errno.FileTooBig
                : options.IsDelegated ? CheckNotPinned(reference.Inode)
                : DropCapability(reference.Inode, !options.MovesTimes);
            error = error == Errno.Ok ? ChangeSize(reference.Inode, size, in options) : error;
            if (error == Errno.Ok && options.IsDelegated)
            {
                Delegated!.SizeWasSet(reference.Inode, size);
            }
            return error;
        }
    }

    /// <summary>Gives a file blocks, takes them away or moves them, as fallocate(2) does.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="mode">Which; unknown bits are refused.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="options">How.</param>
    /// <returns>NotSupported for a mode or a file that cannot, Invalid for a range that the mode does not take,
    /// NoSpace with what was possible done, or as <see cref="Write"/>.</returns>
    public Errno Allocate(InodeNumber number, FallocateMode mode, long offset, long length, in WriteOptions options)
    {
        if (length <= 0)
        {
            return Errno.Invalid;
        }
        Errno error = OpenForChange(number, offset, in options, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            error = options.IsDelegated
                ? CheckNotPinned(reference.Inode)
                : DropCapability(reference.Inode, !options.MovesTimes);
            error = error == Errno.Ok ? AllocateLocked(reference.Inode, mode, offset, length, in options) : error;
            if (options.IsDelegated && length <= long.MaxValue - offset)
            {
                Delegated!.BlocksChanged(reference.Inode, offset, length, mode);
            }
            return error;
        }
    }

    /// <summary>Copies data from one file to another, or to another place of the same one.</summary>
    /// <param name="source">A regular file.</param>
    /// <param name="sourceOffset">First byte to copy.</param>
    /// <param name="target">A regular file.</param>
    /// <param name="targetOffset">Where the copy begins.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <param name="options">How.</param>
    /// <param name="copied">Bytes copied: fewer than wanted at the source's end, or when space ran out on the
    /// way.</param>
    /// <returns>Invalid for overlapping ranges of one file, or as <see cref="Read"/> and <see cref="Write"/>.</returns>
    public Errno CopyRange(InodeNumber source, long sourceOffset, InodeNumber target, long targetOffset, long length,
        in WriteOptions options, out long copied)
    {
        copied = 0;
        if (sourceOffset < 0 || targetOffset < 0 || length < 0
            || (source == target && Math.Abs(sourceOffset - targetOffset) < length))
        {
            return Errno.Invalid;
        }
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(CopyBufferBytes);
        try
        {
            while (copied < length)
            {
                int wanted = (int)Math.Min(CopyBufferBytes, length - copied);
                Errno error = Read(source, sourceOffset + copied, buffer.AsSpan(0, wanted), out int count);
                int written = 0;
                if (error == Errno.Ok && count > 0)
                {
                    error = Write(target, targetOffset + copied, buffer.AsSpan(0, count), in options, out written);
                }
                copied += written;
                if (error != Errno.Ok || written < wanted)
                {
                    return copied > 0 ? Errno.Ok : error;
                }
            }
            return Errno.Ok;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Tells the waiter when everything that was changed in an inode, data included, is durable.</summary>
    /// <param name="number">Any inode.</param>
    /// <param name="isDataOnly">Times and other attributes need not be durable (fdatasync).</param>
    /// <param name="waiter">Told at once when nothing is to be waited for.</param>
    /// <returns>Stale, or Ok: then the waiter is told, perhaps already.</returns>
    public Errno Sync(InodeNumber number, bool isDataOnly, ICommitWaiter waiter)
    {
        if (Journal is null)
        {
            waiter.Committed(Errno.Ok);
            return Errno.Ok;
        }
        Errno error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        uint transaction;
        long ticket;
        using (reference)
        using (reference.Inode.Lock.Shared())
        {
            Inode inode = reference.Inode;
            uint? last = isDataOnly || !inode.WasChanged ? inode.LastDataTransaction : inode.LastTransaction;
            transaction = last ?? Journal.DurableTransaction;
            ticket = inode.DataTicket;
        }
        Journal.WhenDurable(transaction, ticket, waiter);
        return Errno.Ok;
    }

    private Errno WriteLocked(
        Inode inode, long offset, ReadOnlySpan<byte> data, in WriteOptions options, out int written)
    {
        using (inode.Lock.Shared())
        {
            if (Writer!.TryOverwrite(inode, offset, data, in options))
            {
                written = data.Length;
                return Errno.Ok;
            }
        }
        using (inode.Lock.Exclusive())
        {
            GrowFields(inode);
            Errno error = Inline!.Write(inode, offset, data, in options, out bool isDone);
            written = isDone ? data.Length : 0;
            return error != Errno.Ok || isDone
                ? error
                : Writer!.Write(inode, offset, data, in options, out written);
        }
    }

    private Errno ChangeSize(Inode inode, long size, in WriteOptions options)
    {
        Errno error = Inline!.SetSize(inode, size, in options, out bool isDone);
        return error != Errno.Ok || isDone ? error : Truncation!.SetSize(inode, size, in options);
    }

    private Errno AllocateLocked(
        Inode inode, FallocateMode mode, long offset, long length, in WriteOptions options)
    {
        bool keepsSize = (mode & FallocateMode.KeepSize) != 0;
        FallocateMode kind = mode & ~FallocateMode.KeepSize;
        Errno error = Inline!.MoveOut(inode, in options);
        if (error != Errno.Ok)
        {
            return error;
        }
        // A block map has no unwritten state and cannot be shifted.
        if (!inode.Has(InodeFlags.Extents) && kind != FallocateMode.PunchHole)
        {
            return Errno.NotSupported;
        }
        if (kind != FallocateMode.Allocate && inode.Has(InodeFlags.AppendOnly))
        {
            return Errno.NotPermitted;
        }
        if (length > Writing!.Maps.MaximumFileBytes(inode) - offset)
        {
            return Errno.FileTooBig;
        }
        return kind switch
        {
            FallocateMode.Allocate => FileSpace!.Allocate(inode, offset, length, keepsSize, in options),
            FallocateMode.ZeroRange => FileSpace!.Zero(inode, offset, length, keepsSize, in options),
            FallocateMode.PunchHole when keepsSize => FileSpace!.Punch(inode, offset, length, in options),
            FallocateMode.CollapseRange when !keepsSize => FileSpace!.Collapse(inode, offset, length, in options),
            FallocateMode.InsertRange when !keepsSize => FileSpace!.Insert(inode, offset, length, in options),
            _ => Errno.NotSupported,
        };
    }

    private static Errno CheckWritable(Inode inode, in WriteOptions options)
    {
        // What a cache accepted before the flag was set still gets through.
        bool isRefused = inode.Has(InodeFlags.Verity) || (inode.Has(InodeFlags.Immutable) && !options.IsCached);
        return isRefused ? Errno.NotPermitted : Errno.Ok;
    }

    /// <summary>An inode that is about to be changed.</summary>
    /// <returns>ReadOnly, Stale, or Ok.</returns>
    private Errno AcquireForChange(InodeNumber number, out InodeReference reference)
    {
        reference = default;
        return Writing is null || Context.IsReadOnly
            ? Errno.ReadOnly
            : Inodes.Acquire(number, InodeAccess.EvenUnlinked, out reference);
    }

    private Errno OpenForChange(
        InodeNumber number, long offset, in WriteOptions options, out InodeReference reference)
    {
        Errno error = AcquireForChange(number, out reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = CheckReadable(reference.Inode, offset);
        error = error == Errno.Ok ? CheckWritable(reference.Inode, in options) : error;
        if (error != Errno.Ok)
        {
            reference.Dispose();
        }
        return error;
    }

    /// <summary>data=, or what the superblock says. Kernel: ext4_load_and_init_journal.</summary>
    /// <exception cref="VolumeRefusedException">Data is to be journaled, and there is no journal.</exception>
    private DataMode ModeOf(in Superblock super)
    {
        if (_options.DataMode == DataMode.Journal && !Journal!.HasLog)
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Journal, "data=journal: the file system has no journal");
        }
        bool isDefault = Journal!.HasLog && ((DefaultMountOptions)(uint)super.DefaultMountOptions
            & DefaultMountOptions.DataModeMask) == DefaultMountOptions.JournalData;
        return _options.DataMode ?? (isDefault ? DataMode.Journal : DataMode.Ordered);
    }

    private void StartWriting()
    {
        if (Journal is null || Space is null)
        {
            return;
        }
        var maps = new MapEditor(Context, Space.Blocks, Inodes);
        Writing = new WriteServices(
            Context, Inodes, Map, maps, new HoleAllocator(Context, Map, Space.Blocks, Inodes), Space.Blocks, Journal);
        Inodes.Evicting = Writing.ReleaseWindows;
        Reader.Journaled = ModeOf(Context.CopySuperblock()) == DataMode.Journal ? new JournaledData(Context, Journal) : null;
        var data = new DataWriter(Writing, Reader.Journaled, _options.AbortsOnDataFailure);
        Writer = new FileWriter(Writing, data);
        OpenOrphans(maps);
        Inline = new InlineFiles(Writing, Writer, data, AttributeWriter!);
        Truncation = new FileTruncation(Writing, Writer, Orphans!);
        FileSpace = new FileSpace(Writing, data, Writer, Truncation);
        DelegatedMaps.Allocator = Space.Blocks;
        Delegated = new DelegatedFiles(DelegatedMaps, Writing, Writer, FileSpace, Inline);
    }
}
