namespace Fuse4fs.Fuse.Iomap;

/// <summary>Many uploads at once, or many changes at once, never both. Changes go first.</summary>
internal sealed class UploadGate
{
    private readonly object _monitor = new();
    private int _uploads;
    private int _changes;

    public bool TryEnter()
    {
        lock (_monitor)
        {
            if (_changes > 0)
            {
                return false;
            }
            _uploads++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_monitor)
        {
            if (--_uploads == 0 && _changes > 0)
            {
                Monitor.PulseAll(_monitor);
            }
        }
    }

    public void EnterChange()
    {
        lock (_monitor)
        {
            _changes++;
            while (_uploads > 0)
            {
                Monitor.Wait(_monitor);
            }
        }
    }

    public void LeaveChange()
    {
        lock (_monitor)
        {
            _changes--;
        }
    }
}
