using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Stands between the engine and whoever listens to its events: damage of a volume that may be changed is
/// also written into the superblock, and then the errors= policy is carried out.</summary>
/// <remarks>Called with any lock held, handles included: it only leaves word with the journal, whose commit thread does
/// the writing. Kernel: ext4_handle_error, which leaves it to a work queue for the same reason.</remarks>
internal sealed class ErrorRecorder(IEngineEvents listener, TimeProvider clock) : IEngineEvents
{
    private readonly Lock _gate = new();
    private ErrorBatch? _early;
    private Journal? _journal;
    private bool _continues = true;
    private bool _isOver;

    /// <summary>Names who writes. What was found before is recorded now.</summary>
    /// <param name="journal">Of the volume; null when nothing may be written.</param>
    /// <param name="continues">False when damage makes the volume read-only.</param>
    public void Attach(Journal? journal, bool continues)
    {
        ErrorBatch? early;
        lock (_gate)
        {
            _journal = journal;
            _continues = continues;
            early = _early;
            _early = null;
        }
        if (journal is not null && early is not null)
        {
            Record(journal, early, null);
        }
    }

    /// <inheritdoc/>
    public void Damage(Ext4CorruptException damage, InodeNumber inode)
    {
        listener.Damage(damage, inode);
        var record = new VolumeErrorRecord(
            damage.IsChecksum ? Errno.BadMessage : Errno.Corrupted,
            damage.Inode == InodeNumber.None ? inode : damage.Inode,
            damage.Block,
            damage.Function,
            damage.Line,
            clock.GetUtcNow());
        Journal? journal;
        lock (_gate)
        {
            journal = _journal;
            if (journal is null)
            {
                _early = ErrorBatch.Add(_early, in record);
                return;
            }
            if (_isOver)
            {
                return;     // the first damage made the volume read-only; kernel: ext4_forced_shutdown
            }
            _isOver = !_continues;
        }
        Record(journal, ErrorBatch.Add(null, in record), damage);
    }

    /// <inheritdoc/>
    public void Warning(string message) => listener.Warning(message);

    /// <inheritdoc/>
    public void DeviceFailed(DeviceException failure) => listener.DeviceFailed(failure);

    /// <inheritdoc/>
    public void MustStop() => listener.MustStop();

    private void Record(Journal journal, ErrorBatch batch, Ext4CorruptException? damage)
    {
        journal.RecordErrors(batch);
        if (!_continues)
        {
            journal.AbortFrom((Exception?)damage
                ?? new Ext4CorruptException(Corruption.Unexpected, "structures read at the mount"));
        }
    }
}
