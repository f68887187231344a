using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Tells the waiter when everything changed so far is durable (syncfs). Never blocks.</summary>
    public void SyncAll(ICommitWaiter waiter)
    {
        if (Journal is null)
        {
            waiter.Committed(Errno.Ok);
        }
        else
        {
            Journal.WhenAllDurable(waiter);
        }
    }

    /// <summary>Waits until everything changed so far is durable.</summary>
    public Errno SyncAll() => Journal?.CommitAll() ?? Errno.Ok;

    /// <summary>How full the journal is; null where nothing is written.</summary>
    public JournalFill? JournalFill => Journal?.Fill;

    /// <summary>Stops all changes at once, as a crash would: nothing more is written, not even at the end, and the next
    /// mount replays the journal. Nothing is recorded as an error. Kernel: ext4_force_shutdown.</summary>
    /// <param name="commitsFirst">What was changed so far is made durable before.</param>
    public Errno ShutDown(bool commitsFirst)
    {
        Errno error = commitsFirst ? SyncAll() : Errno.Ok;
        Journal?.Discontinue();
        Context.BecomeReadOnly();
        return error;
    }
}
