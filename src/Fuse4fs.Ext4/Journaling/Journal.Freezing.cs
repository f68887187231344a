using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>Standing still with a clean volume.</content>
public sealed partial class Journal
{
    /// <summary>On the way to standing still: no handle begins.</summary>
    private bool _isFreezing;

    /// <summary>Nothing is committed and nothing written.</summary>
    private bool _isFrozen;

    /// <summary>Commits, writes everything home and marks log and volume clean; from then on nothing is committed and
    /// nothing written. Handles may begin again, as far as a transaction has room: what they change stays in memory.
    /// </summary>
    /// <returns>Ok; Busy when it is frozen already; InputOutput when the journal was aborted.</returns>
    public Errno Freeze()
    {
        using (_gate.Enter())
        {
            if (_isFrozen || _isFreezing)
            {
                return Errno.Busy;
            }
            _isFreezing = true;
        }
        Errno error = Errno.InputOutput;
        try
        {
            error = BringHome();
            if (error == Errno.Ok)
            {
                EmptyLog();
                MarkUnused();
            }
        }
        catch (Exception failure)   // half frozen is neither: whatever it was, nothing may be written from here on
        {
            AbortFrom(failure);
        }
        finally
        {
            using (_gate.Enter())
            {
                _isFrozen = error == Errno.Ok && _abort == Errno.Ok;
                _isFreezing = false;
                TellAll();
            }
        }
        return _isFrozen ? Errno.Ok : Errno.InputOutput;
    }

    /// <summary>Everything is at home: waits until the log's tail says so.</summary>
    private void EmptyLog()
    {
        if (_source is null)
        {
            return;
        }
        using (_gate.Enter())
        {
            _homeWaiters++;
            TellAll();
            while (_abort == Errno.Ok && (_committing is not null || _backlog.Count > 0
                || _space!.Tail != TailCandidateLocked()))
            {
                _gate.Wait();
            }
            _homeWaiters--;
            ThrowIfAborted();
        }
    }

    /// <summary>Ends <see cref="Freeze"/>: the volume is marked as in use before anything else is written.</summary>
    public Errno Thaw()
    {
        using (_gate.Enter())
        {
            WaitForErasing();
            if (!_isFrozen)
            {
                return Errno.Ok;
            }
        }
        try
        {
            if (_abort == Errno.Ok)
            {
                MarkInUseAgain();
            }
        }
        catch (DeviceException failure)
        {
            AbortFrom(failure);
        }
        using (_gate.Enter())
        {
            _isFrozen = false;
            TellAll();
        }
        return _abort == Errno.Ok ? Errno.Ok : Errno.InputOutput;
    }

    private void MarkInUseAgain()
    {
        _superblock.Change((ref Superblock super) =>
        {
            if (_source is not null)
            {
                super.Incompat = super.Incompat | (uint)IncompatFeatures.Recover;
            }
            else
            {
                super.State = (ushort)(super.State & ~(uint)VolumeStates.Clean);
            }
        });
        _context.Device.Flush();
    }
}
