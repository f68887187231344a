using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Reads a file's data.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="offset">First byte; at or behind the end nothing is read.</param>
    /// <param name="destination">Filled from the start.</param>
    /// <param name="count">Bytes read: fewer than asked for only at the end of the file.</param>
    /// <returns>IsDirectory, Invalid for other kinds and negative offsets, NoKey for an encrypted file, Stale, or Ok.
    /// </returns>
    public Errno Read(InodeNumber number, long offset, Span<byte> destination, out int count)
    {
        count = 0;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            error = CheckReadable(held.Inode, offset);
            if (error == Errno.Ok)
            {
                count = Reader.Read(held.Inode, offset, destination);
            }
            return error;
        }
    }

    /// <summary>Says where a file's data is on the device, for those who move it themselves.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <param name="runs">Filled from the start; neighbouring pieces are joined.</param>
    /// <param name="runCount">Runs filled.</param>
    /// <param name="bytes">Bytes they cover: fewer than wanted at the end of the file, or when the runs did not suffice.
    /// </param>
    /// <returns>NotSupported when the data is inside the inode or in the journal: use <see cref="Read"/>; else as that.</returns>
    /// <remarks>Blocks freed meanwhile stay unused until requests that may know them have ended.</remarks>
    public Errno MapForRead(
        InodeNumber number, long offset, int length, Span<DataRun> runs, out int runCount, out int bytes)
    {
        runCount = 0;
        bytes = 0;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            error = CheckReadable(held.Inode, offset);
            if (error == Errno.Ok && (JournalsData || held.Inode.Has(InodeFlags.InlineData)))
            {
                error = Errno.NotSupported;
            }
            if (error == Errno.Ok)
            {
                runCount = Reader.MapRange(held.Inode, offset, length, runs, out bytes);
                Sequential.Note(held.Inode, offset, bytes);
            }
            return error;
        }
    }

    /// <summary>Finds the next data or hole of a file. Unwritten blocks are holes.</summary>
    /// <returns>NoDeviceAddress at or behind the end and when no data follows; else as <see cref="Read"/>.</returns>
    public Errno Seek(InodeNumber number, long offset, SeekKind kind, out long result)
    {
        result = 0;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            if (!held.Inode.IsRegular)
            {
                return held.Inode.IsDirectory ? Errno.IsDirectory : Errno.Invalid;
            }
            return Reader.Seek(held.Inode, offset, kind, out result);
        }
    }

    /// <summary>Reads a symbolic link's target.</summary>
    /// <param name="number">A symlink.</param>
    /// <param name="target">At least 4096 bytes.</param>
    /// <param name="length">Bytes of the target.</param>
    /// <returns>Invalid for other kinds, Stale, or Ok.</returns>
    public Errno ReadLink(InodeNumber number, Span<byte> target, out int length)
    {
        length = 0;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            if (held.Inode.Kind != FileKind.Symlink)
            {
                return Errno.Invalid;
            }
            length = Symlinks.Read(held.Inode, target);
            return Errno.Ok;
        }
    }

    /// <summary>bmap: the device block of a file block.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="fileBlock">In units of the volume's blocks.</param>
    /// <param name="block">0 for a hole, for data inside the inode, and for all of it where data goes through the journal:
    /// who writes to the place he was told would be overwritten by what is still to be written home.</param>
    /// <returns>Invalid for other kinds, Stale, or Ok.</returns>
    /// <remarks>Unwritten blocks are told: by them swapon(2) takes a file made by fallocate(2), as it does on the kernel's
    /// ext4.</remarks>
    public Errno BlockMap(InodeNumber number, ulong fileBlock, out ulong block)
    {
        block = 0;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            if (!held.Inode.IsRegular)
            {
                return Errno.Invalid;
            }
            if (fileBlock < ExtentNodePlace.FileEnd && !JournalsData)
            {
                MapRun run = Map.Find(held.Inode, (uint)fileBlock);
                block = run.IsMapped ? run.BlockAt((uint)fileBlock).Value : 0;
            }
            return Errno.Ok;
        }
    }

    private static Errno CheckReadable(Inode inode, long offset)
    {
        if (!inode.IsRegular)
        {
            return inode.IsDirectory ? Errno.IsDirectory : Errno.Invalid;
        }
        if (offset < 0)
        {
            return Errno.Invalid;
        }
        return inode.Has(InodeFlags.Encrypted) ? Errno.NoKey : Errno.Ok;
    }
}
