using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

public sealed partial class Journal
{
    private bool _isDiscontinued;

    /// <summary>Stops changes as <see cref="Abort"/> does, but on purpose: nothing is recorded as an error. Kernel:
    /// jbd2_journal_abort with ESHUTDOWN.</summary>
    public void Discontinue()
    {
        using (_gate.Enter())
        {
            _isDiscontinued = true;
            _pendingErrors = null;
            _isAbortRecorded = true;
            if (_abort == Errno.Ok)
            {
                _abort = Errno.InputOutput;
            }
            TellAll();
        }
        _context.BecomeReadOnly();
    }
}
