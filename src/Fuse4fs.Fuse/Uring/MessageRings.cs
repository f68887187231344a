using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Uring;

/// <summary>Rings for threads that send batches at the same time. Where io_uring is not allowed there are none.</summary>
internal sealed class MessageRings : IDisposable
{
    /// <summary>More threads than this send by themselves, message by message.</summary>
    private const int Most = 4;

    private readonly Lock _gate = new();
    private readonly Stack<MessageRing> _idle = new(Most);
    private int _made;
    private bool _isOver;
    private bool _isSettled;

    /// <summary>Makes all there will ever be.</summary>
    public void Settle()
    {
        lock (_gate)
        {
            for (_isSettled = true; _made < Most && !_isOver; _made++)
            {
                if (MessageRing.TryCreate(out MessageRing? ring) != Errno.Ok)
                {
                    return;
                }
                _idle.Push(ring!);
            }
        }
    }

    /// <returns>False: do without.</returns>
    public bool TryRent(out MessageRing? ring)
    {
        lock (_gate)
        {
            if (_idle.TryPop(out ring))
            {
                return true;
            }
            if (_isOver || _isSettled || _made == Most)
            {
                return false;
            }
            if (MessageRing.TryCreate(out ring) != Errno.Ok)
            {
                _isOver = true;
                return false;
            }
            _made++;
            return true;
        }
    }

    /// <param name="ring">A rented one.</param>
    /// <param name="isUsable">False: it is broken.</param>
    public void Return(MessageRing ring, bool isUsable)
    {
        lock (_gate)
        {
            if (isUsable && !_isOver)
            {
                _idle.Push(ring);
                return;
            }
            _isOver = true;
        }
        ring.Dispose();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            while (_idle.TryPop(out MessageRing? ring))
            {
                ring.Dispose();
            }
        }
    }
}
