using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>Writing home at once, for those who look at the device beside the mount.</content>
public sealed partial class Journal
{
    private int _homeWaiters;

    /// <summary>Commits, and waits until everything committed so far is at home as well.</summary>
    /// <returns>Ok, or InputOutput when the journal was aborted first.</returns>
    public Errno BringHome()
    {
        Errno error = CommitAll();
        if (error != Errno.Ok || _source is null)
        {
            return error;
        }
        using (_gate.Enter())
        {
            uint last = _lastCommitted;
            _homeWaiters++;
            TellAll();
            while (_abort == Errno.Ok && _backlog.TryPeek(out Transaction? oldest)
                && !TransactionId.IsAfter(oldest.Id, last))
            {
                _gate.Wait();
            }
            _homeWaiters--;
            return _abort == Errno.Ok ? Errno.Ok : Errno.InputOutput;
        }
    }
}
