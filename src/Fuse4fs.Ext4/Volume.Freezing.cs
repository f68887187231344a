using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>Standing still with a clean image.</content>
public sealed partial class Volume
{
    private int _isFrozen;

    /// <summary>Brings the volume to a state that needs no recovery, and leaves it so: nothing is written until
    /// <see cref="Thaw"/>. Changes made meanwhile stay in memory, and whoever waits for their durability waits for
    /// that; data would be written all the same, so the caller keeps writers out. Inodes that lose their last reference
    /// are freed afterwards.</summary>
    /// <returns>InputOutput when the journal was aborted, Busy when it is frozen already, or Ok. Ok also where nothing is
    /// ever written.</returns>
    /// <remarks>Kernel: ext4_freeze.</remarks>
    public Errno Freeze()
    {
        if (Journal is null)
        {
            return Errno.Ok;
        }
        if (Interlocked.Exchange(ref _isFrozen, 1) != 0)
        {
            return Errno.Busy;
        }
        Errno error = Errno.InputOutput;
        try
        {
            Space?.Background.Pause();
            MountGuard?.Pause();
            if (OrphanFile?.IsEmpty == true)
            {
                DeclareOrphans(isPresent: false);
            }
            error = Journal.Freeze();
            return error;
        }
        finally
        {
            if (error != Errno.Ok)
            {
                Resume();
            }
        }
    }

    /// <summary>Goes on. Without <see cref="Freeze"/> before it does nothing.</summary>
    /// <returns>InputOutput when the volume can be written no more: the journal was aborted, or somebody else has claimed the
    /// volume meanwhile.</returns>
    public Errno Thaw()
    {
        if (Volatile.Read(ref _isFrozen) == 0)
        {
            return Errno.Ok;
        }
        // Before anything is written: somebody who did not see us for long may take the volume for unused.
        MountGuard?.Check();
        try
        {
            return Journal?.Thaw() ?? Errno.Ok;
        }
        finally
        {
            Resume();
        }
    }

    /// <summary>Whether inodes without links are kept although nobody has them open: then word that the kernel forgets
    /// them is still to come, or they are just being freed.</summary>
    /// <param name="open">Numbers of the open ones.</param>
    public bool HasUnusedOrphans(IReadOnlySet<uint> open) =>
        Orphans?.Count > 0 && Orphans.Snapshot().Any(inode => inode.LinkCount == 0 && !open.Contains(inode.Number.Value));

    private void Resume()
    {
        try
        {
            if (OrphanFile is not null)
            {
                DeclareOrphans(isPresent: true);
            }
        }
        finally
        {
            MountGuard?.Resume();
            Space?.Background.Resume();
            Volatile.Write(ref _isFrozen, 0);
        }
    }
}
