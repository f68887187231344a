using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>How long one request waits for freed space to come back before it reports a full disk.</summary>
    private static readonly TimeSpan s_reclaimPatience = TimeSpan.FromSeconds(2);

    /// <summary>How long a writer waits for files that are being removed. Short: an unlinked file may stay open for ever.
    /// </summary>
    private static readonly TimeSpan s_removalPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan s_removalStep = TimeSpan.FromMilliseconds(5);

    /// <summary>The free space; null on a volume opened read-only.</summary>
    internal FreeSpace? Space { get; private set; }

    /// <summary>Requests in flight: whoever serves requests enters and leaves around each. Null when nothing is freed.
    /// </summary>
    public RequestEpoch? Epoch => Space?.Freed.Epoch;

    /// <summary>Bytes that files may take at once.</summary>
    /// <param name="mayUseReserve">With the superuser's reserve.</param>
    public ulong RoomBytes(bool mayUseReserve) => Space is null
        ? 0
        : Space.Blocks.Room(mayUseReserve ? SpaceClaim.Reserve : SpaceClaim.Ordinary) << Context.Geometry.BlockSizeShift;

    /// <summary>Whether there is room for files. Where there is none, waits a moment for files that are being removed.
    /// </summary>
    /// <param name="mayUseReserve">With the superuser's reserve.</param>
    /// <remarks>Not on a thread that serves requests: a removal may begin with one.</remarks>
    public bool HasRoom(bool mayUseReserve)
    {
        long start = Context.Clock.GetTimestamp();
        while (RoomBytes(mayUseReserve) == 0)
        {
            bool isComing = TryReclaimSpace(null) || Orphans?.Count > 0;
            if (RoomBytes(mayUseReserve) > 0)
            {
                break;
            }
            if (!isComing || Context.Clock.GetElapsedTime(start) > s_removalPatience)
            {
                return false;
            }
            Thread.Sleep(s_removalStep);
        }
        return true;
    }

    /// <summary>After NoSpace: commits and waits for what was freed before to come back.</summary>
    /// <param name="slot">The caller's place in <see cref="Epoch"/>, if it has one.</param>
    /// <returns>True when it is worth trying the operation again.</returns>
    /// <remarks>Called with no lock at all.</remarks>
    public bool TryReclaimSpace(RequestEpoch.Slot? slot) =>
        Journal is not null && Space is not null && Space.Freed.TryReclaim(Journal, slot, s_reclaimPatience);

    /// <summary>Tells the device which blocks are unused (FITRIM).</summary>
    /// <param name="startBytes">From here on.</param>
    /// <param name="lengthBytes">So far.</param>
    /// <param name="minimumBytes">Shorter free runs are left out.</param>
    /// <param name="trimmedBytes">How much was discarded.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>Invalid for a range outside the volume or a minimum no run can have, ReadOnly, or Ok.</returns>
    /// <exception cref="Storage.DeviceException">The device refused.</exception>
    /// <remarks>Kernel: ext4_trim_fs. Takes long: not on a thread that serves requests.</remarks>
    public Errno Trim(
        ulong startBytes, ulong lengthBytes, ulong minimumBytes, out ulong trimmedBytes, CancellationToken cancellation)
    {
        trimmedBytes = 0;
        if (Space is null)
        {
            return Errno.ReadOnly;
        }
        Geometry geometry = Context.Geometry;
        int shift = geometry.BlockSizeShift;
        ulong start = startBytes >> shift;
        ulong length = lengthBytes >> shift;
        ulong minimum = (minimumBytes >> shift) + ((minimumBytes & ((1ul << shift) - 1)) == 0 ? 0ul : 1ul);
        if (minimum > geometry.BlocksPerGroup || start >= geometry.BlockCount
            || lengthBytes < (ulong)geometry.BlockSizeBytes)
        {
            return Errno.Invalid;
        }
        ulong end = length > geometry.BlockCount - start ? geometry.BlockCount : start + length;
        trimmedBytes = Space.Blocks.Trim(new FsBlock(start), new FsBlock(end), (uint)minimum, cancellation) << shift;
        return Errno.Ok;
    }

    private void StartFreeSpace(bool wasClean)
    {
        if (Journal is null)
        {
            return;
        }
        Superblock super = Context.CopySuperblock();
        Space = new FreeSpace(Context, _options.StripeBlocks);
        Space.Freed.DiscardsFreed = _options.DiscardsFreed ?? HasDefault(in super, DefaultMountOptions.Discard);
        foreach (uint hidden in (ReadOnlySpan<uint>)
        [
            super.JournalInode, super.UserQuotaInode, super.GroupQuotaInode, super.ProjectQuotaInode,
            super.OrphanFileInode,
        ])
        {
            ProtectBlocksOf(new InodeNumber(hidden));
        }
        if (Context.Geometry.Has(IncompatFeatures.MultipleMountProtection))
        {
            Space.Protect(new FsBlock(super.MmpBlock), 1);
        }
        Space.Start(mayDefer: wasClean && !_options.TellsPlaces);
        Journal.SetSuperblockSource(Space);
        Space.StartZeroingInodeTables(Journal);
    }

    private static bool HasDefault(in Superblock super, DefaultMountOptions option) =>
        ((DefaultMountOptions)(uint)super.DefaultMountOptions).HasFlag(option);

    /// <summary>The blocks of files that nobody can reach belong to the file system itself.</summary>
    private void ProtectBlocksOf(InodeNumber number)
    {
        if (number.Value == 0
            || Inodes.Acquire(number, InodeAccess.Special, out InodeReference reference) != Errno.Ok)
        {
            return;
        }
        using (reference)
        {
            Inode inode = reference.Inode;
            ulong end = ((ulong)inode.SizeBytes + (ulong)Context.Geometry.BlockSizeBytes - 1)
                >> Context.Geometry.BlockSizeShift;
            end = inode.IsRegular ? Math.Min(end, uint.MaxValue) : 0;
            for (ulong block = 0; block < end;)
            {
                MapRun run = Map.Find(inode, (uint)block).From((uint)block);
                if (run.Kind is RunKind.Written or RunKind.Unwritten)
                {
                    Space!.Protect(run.Start, run.LengthBlocks);
                }
                block += run.LengthBlocks;
            }
        }
    }
}
