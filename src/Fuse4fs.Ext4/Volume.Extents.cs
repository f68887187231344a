using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>What a block of a file or directory is, and how far that goes: hole, written, unwritten, or inside the
    /// inode.</summary>
    /// <param name="number">A regular file, a directory or a symbolic link.</param>
    /// <param name="fileBlock">In units of the volume's blocks, also behind the end.</param>
    /// <param name="run">Begins with that block. A target kept in place of a symbolic link's map counts as
    /// inline.</param>
    /// <returns>Invalid for kinds without blocks, Stale for an inode not in use, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno FindRun(InodeNumber number, uint fileBlock, out MapRun run)
    {
        run = default;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            Inode inode = held.Inode;
            if (inode.Kind is not (FileKind.Regular or FileKind.Directory or FileKind.Symlink))
            {
                return Errno.Invalid;
            }
            run = inode.Kind == FileKind.Symlink && SymlinkReader.IsFast(Context.Geometry, inode)
                ? new MapRun(RunKind.Inline, fileBlock, ExtentNodePlace.FileEnd - fileBlock, default)
                : Map.Find(inode, fileBlock).From(fileBlock);
            return Errno.Ok;
        }
    }
}
