using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Zeroes the unwritten inode tables of all groups, a small part at a time and pausing longer than each took,
/// so that it gets in nobody's way.</summary>
internal sealed class InodeTableZeroingJob(SpaceParts parts, InodeTableZeroing zeroing, Journal journal)
    : IBackgroundJob
{
    /// <summary>The pause after a part, in times of what it took. Kernel: EXT4_DEF_LI_WAIT_MULT.</summary>
    private const int PauseFactor = 10;

    private uint _group;

    /// <inheritdoc/>
    public TimeSpan? RunSlice()
    {
        long start = parts.Context.Clock.GetTimestamp();
        return RunPart() ? PauseFactor * parts.Context.Clock.GetElapsedTime(start) : null;
    }

    private bool RunPart()
    {
        if (parts.Context.IsReadOnly || _group >= parts.Context.Geometry.GroupCount)
        {
            return false;
        }
        var group = new GroupNumber(_group);
        if (zeroing.Needs(group))
        {
            if (zeroing.ZeroMore(group))
            {
                return true;
            }
            if (journal.TryStart(1, out Handle handle) != Errno.Ok)
            {
                return false;
            }
            using (handle)
            {
                zeroing.MarkZeroed(handle, group);
                handle.Complete();
            }
        }
        _group++;
        return true;
    }
}
