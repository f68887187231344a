using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Brings the volume to a state that needs no recovery, and leaves it so: nothing is written until
    /// <see cref="Thaw"/>. Changes made meanwhile stay in memory, and whoever waits for their durability waits for
    /// that.</summary>
    /// <returns>InputOutput when the journal was aborted, Busy when it is frozen already, or Ok.</returns>
    /// <remarks>Kernel: ext4_freeze.</remarks>
    public Errno Freeze()
    {
        if (Journal is null)
        {
            return Errno.Ok;
        }
        PauseBackground(isPaused: true);
        Errno error = Journal.Freeze();
        if (error is not (Errno.Ok or Errno.Busy))
        {
            PauseBackground(isPaused: false);
        }
        return error;
    }

    /// <summary>Goes on. Without <see cref="Freeze"/> before it does nothing.</summary>
    public Errno Thaw()
    {
        Errno error = Journal?.Thaw() ?? Errno.Ok;
        PauseBackground(isPaused: false);
        return error;
    }

    private void PauseBackground(bool isPaused)
    {
        if (MountGuard is { } guard)
        {
            guard.IsPaused = isPaused;
        }
        if (isPaused)
        {
            Space?.Background.Pause();
        }
        else
        {
            Space?.Background.Resume();
        }
    }
}
