namespace Fuse4fs.Ext4.Storage;

/// <summary>Makes a failed flush fail for everybody whose flush overlapped it, and for all that come later.</summary>
/// <remarks>The kernel reports a failed write-back once for each open file: of two threads that flush it, the first to
/// look learns of the failure and the other takes its own data for durable. What could not be written then is lost, so
/// that no later flush makes it durable either. Kernel: file_check_and_advance_wb_err.</remarks>
internal sealed class FlushGroup
{
    private readonly object _gate = new();
    private readonly List<long> _running = [];
    private long _begun;
    private DeviceException? _failure;

    /// <summary>Flushes, and returns when no flush is running any more that began before this one ended.</summary>
    /// <exception cref="DeviceException">This flush failed, one that overlapped it, or an earlier one.</exception>
    public void Run(Action flush)
    {
        long own = Begin();
        DeviceException? failure = null;
        try
        {
            flush();
        }
        catch (DeviceException caught)
        {
            failure = caught;
        }
        finally
        {
            End(own, failure);
        }
        WaitForOverlapping();
    }

    private long Begin()
    {
        lock (_gate)
        {
            _running.Add(++_begun);
            return _begun;
        }
    }

    private void End(long own, DeviceException? failure)
    {
        lock (_gate)
        {
            _failure ??= failure;
            _running.Remove(own);
            Monitor.PulseAll(_gate);
        }
    }

    private void WaitForOverlapping()
    {
        lock (_gate)
        {
            long last = _begun;
            while (_running.Exists(number => number <= last))
            {
                Monitor.Wait(_gate);
            }
            if (_failure is not null)
            {
                throw new DeviceException(_failure.Error, "flush");
            }
        }
    }
}
