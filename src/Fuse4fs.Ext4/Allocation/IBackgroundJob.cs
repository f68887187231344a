namespace Fuse4fs.Ext4.Allocation;

/// <summary>Work that nobody waits for, cut into slices so that several jobs take turns.</summary>
public interface IBackgroundJob
{
    /// <summary>Does a part of it: some milliseconds, one journal handle at most.</summary>
    /// <returns>How long to pause before the next part, zero for none; null when all is done.</returns>
    TimeSpan? RunSlice();
}
