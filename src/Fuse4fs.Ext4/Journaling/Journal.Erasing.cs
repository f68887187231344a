using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>Leaving nothing in the log of what was in it.</content>
public sealed partial class Journal
{
    /// <summary>The log is being erased: nobody else may end its standing still.</summary>
    private bool _isErasing;

    /// <summary>Brings everything home, then takes what it held out of the log; changes wait meanwhile, as far as they
    /// find no room in memory.</summary>
    /// <param name="discards">The device is told that the blocks are not used; else they are zeroed.</param>
    /// <returns>NoDevice without a log, Busy while the volume is frozen, InputOutput when the journal was aborted, or
    /// Ok.</returns>
    /// <remarks>Kernel: jbd2_journal_flush with JBD2_JOURNAL_FLUSH_DISCARD or _ZEROOUT.</remarks>
    public Errno Erase(bool discards)
    {
        if (_source is null)
        {
            return Errno.NoDevice;
        }
        using (_gate.Enter())
        {
            if (_isErasing)
            {
                return Errno.Busy;
            }
            _isErasing = true;
        }
        Errno error = Errno.InputOutput;
        try
        {
            error = Freeze();
            if (error == Errno.Ok)
            {
                // The superblocks say that the log is empty, durably: a crash in between finds nothing to replay.
                uint first = _geometry!.FirstBlock;
                _source.Log.Erase(first, _geometry.LengthBlocks - first, discards);
                _source.Log.Device.Flush();
            }
        }
        catch (Exception failure)   // whatever it was: it must not stand still for ever
        {
            AbortFrom(failure);
        }
        finally
        {
            using (_gate.Enter())
            {
                _isErasing = false;
                TellAll();
            }
        }
        return error == Errno.Ok ? Thaw() : error;
    }

    /// <summary>Waits until nothing is being erased; under the gate.</summary>
    private void WaitForErasing()
    {
        while (_isErasing)
        {
            _gate.Wait();
        }
    }
}
