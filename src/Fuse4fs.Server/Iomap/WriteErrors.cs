using Fuse4fs.Linux;

namespace Fuse4fs.Server.Iomap;

/// <summary>An error of a file that nobody could be told of when it happened: whoever has the file open is told once, when
/// he asks for durability next. One that nobody was told of is also told to who opens the file later.</summary>
/// <remarks>Kernel: errseq_t, which the kernel keeps for errors of its own. Thread-safe.</remarks>
internal sealed class WriteErrors
{
    private readonly Lock _gate = new();

    /// <summary>Handles that know of the last error.</summary>
    private HashSet<ulong>? _told;
    private Errno _last;
    private bool _isTold;

    /// <summary>Something failed.</summary>
    public void Add(Errno error)
    {
        lock (_gate)
        {
            _last = error;
            _isTold = false;
            _told?.Clear();
        }
    }

    /// <summary>The file was opened.</summary>
    public void Opened(ulong handle)
    {
        lock (_gate)
        {
            if (_isTold)
            {
                _told!.Add(handle);
            }
        }
    }

    /// <summary>The handle is no more.</summary>
    public void Closed(ulong handle)
    {
        lock (_gate)
        {
            _told?.Remove(handle);
        }
    }

    /// <summary>The error that a handle has not been told of, or Ok.</summary>
    public Errno Take(ulong handle)
    {
        lock (_gate)
        {
            if (_last == Errno.Ok || !(_told ??= []).Add(handle))
            {
                return Errno.Ok;
            }
            _isTold = true;
            return _last;
        }
    }
}
