using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>From one kind of map to the other.</content>
public sealed partial class Volume
{
    /// <summary>Part of a transaction that a conversion may take.</summary>
    private const int ConversionShare = 4;

    /// <summary>Gives a file an extent tree in place of its block map (EXT4_IOC_MIGRATE, chattr +e).</summary>
    /// <param name="number">Any inode. Who may do so is checked by the caller.</param>
    /// <returns>Invalid where files have no extent trees, or this one has one or its data inside the inode; NoSpace when
    /// the map is too big to be exchanged at once; ReadOnly, Stale, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno Migrate(InodeNumber number)
    {
        Errno error = AcquireForChange(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            return MigrateLocked(reference.Inode);
        }
    }

    private Errno MigrateLocked(Inode inode)
    {
        bool isMapped = inode.Kind is FileKind.Regular or FileKind.Directory or FileKind.Symlink;
        if (!isMapped || !Context.Geometry.Has(IncompatFeatures.Extents) || inode.Has(InodeFlags.Extents)
            || inode.Has(InodeFlags.InlineData))
        {
            return Errno.Invalid;
        }
        if (inode.Kind == FileKind.Symlink && Files.SymlinkReader.IsFast(Context.Geometry, inode))
        {
            return Errno.Ok;
        }
        Writing!.ReleaseWindows(inode);
        using var conversion = new MapConversion(Context, Space!.Blocks, Inodes, Writing.Tree);
        int most = Math.Min(Journal!.MaximumCredits, Journal.MaximumForgets) / ConversionShare;
        Errno error = conversion.Prepare(inode, most);
        Handle handle = null!;
        error = error == Errno.Ok
            ? Journal.TryStart(conversion.Credits, out handle, conversion.Forgets)
            : error;
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            conversion.Apply(handle, inode);
            inode.ChangeTime = Writing.Now();
            Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    /// <summary>Gives a short file a block map in place of its extent tree (chattr -e). Kernel: ext4_ind_migrate.
    /// </summary>
    private Errno MigrateBackLocked(Inode inode)
    {
        var root = new ExtentNode(inode.BlockAreaBytes);
        root.Validate(ExtentNodePlace.Root(inode.Number), Context.Geometry);
        ExtentEntry entry = root is { Depth: 0, Count: 1 } ? root.Entry(0) : default;
        ulong end = (ulong)entry.FirstFileBlock + entry.LengthBlocks;
        if (Context.Geometry.ClusterShift != 0 || root.Depth > 0 || root.Count > 1 || entry.IsUnwritten
            || end > IndirectLayout.DirectBlocks || entry.Start.Value + entry.LengthBlocks > uint.MaxValue)
        {
            return Errno.NotSupported;
        }
        Errno error = Journal!.TryStart(Inodes.StoreCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            inode.Flags &= ~InodeFlags.Extents;
            inode.BlockAreaBytes.Clear();
            for (uint i = 0; i < entry.LengthBlocks; i++)
            {
                int place = (int)(entry.FirstFileBlock + i) * IndirectLayout.NumberBytes;
                BinaryPrimitives.WriteUInt32LittleEndian(
                    inode.BlockAreaBytes[place..], (uint)(entry.Start.Value + i));
            }
            inode.Map.Clear();
            inode.IsDataStorePending = true;
            Writing!.ReleaseWindows(inode);
            Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }
}
