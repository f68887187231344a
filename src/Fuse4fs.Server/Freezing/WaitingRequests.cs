using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Freezing;

/// <summary>The requests that wait for the end of a freeze: copied and put aside, so that no worker waits with them.
/// </summary>
internal sealed class WaitingRequests
{
    /// <summary>Whoever could be told of an error gets one beyond this much. What is written back is bounded by the
    /// kernel.</summary>
    private const long MostBytes = 256L << 20;

    private const int MostInterrupts = 1 << 16;

    private readonly Lock _gate = new();
    private readonly LinkedList<HeldRequest> _requests = new();

    /// <summary>Requests whose caller got a signal; also those that have not come here yet, because another worker was
    /// faster with the signal.</summary>
    private readonly HashSet<ulong> _interrupted = [];
    private volatile bool _isHolding;
    private long _bytes;

    /// <summary>Whether some requests have to wait. Looked at for every request.</summary>
    public bool IsHolding => _isHolding;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _requests.Count;
            }
        }
    }

    /// <summary>From now on they wait; a request that is being handled perhaps not.</summary>
    public void Begin()
    {
        _isHolding = true;
        Interlocked.MemoryBarrier();
    }

    /// <summary>Puts a request aside that has to wait.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="body">Its body, of which nothing was taken.</param>
    /// <param name="reply">Held, when it waits.</param>
    /// <param name="error">What to answer when it does not wait and is not to be handled; else Ok.</param>
    /// <returns>False when it is to be handled, the freeze having ended, or to be answered with an error.</returns>
    public bool TryHold(in InHeader header, in RequestReader body, ref ReplyWriter reply, out Errno error)
    {
        error = Errno.Ok;
        lock (_gate)
        {
            if (!_isHolding)
            {
                return false;
            }
            if (_bytes >= MostBytes && !FrozenRequests.IsWriteBack(in header, in body))
            {
                error = Errno.NoMemory;
                return false;
            }
            HeldRequest held = reply.Hold(in header, in body);
            _requests.AddLast(held);
            _bytes += held.LengthBytes;
            return true;
        }
    }

    /// <summary>The caller of a request got a signal.</summary>
    public void Interrupt(ulong unique)
    {
        lock (_gate)
        {
            if (_isHolding && _interrupted.Count < MostInterrupts)
            {
                _interrupted.Add(unique);
            }
        }
    }

    /// <summary>Gives up the requests of those who were killed meanwhile.</summary>
    public void GiveUpEnding()
    {
        HeldRequest[] suspects;
        lock (_gate)
        {
            if (_interrupted.Count == 0)
            {
                return;
            }
            suspects = [.. _requests.Where(held => _interrupted.Contains(held.Unique))];
        }
        foreach (HeldRequest held in suspects.Where(static held => CallerSignals.IsEnding(held.Process)))
        {
            if (TryRemove(held))
            {
                held.GiveUp(Errno.Interrupted);
            }
        }
    }

    /// <summary>Nothing waits any more.</summary>
    /// <returns>What did, in the order in which it came.</returns>
    public IReadOnlyList<HeldRequest> End()
    {
        lock (_gate)
        {
            _isHolding = false;
            HeldRequest[] all = [.. _requests];
            _requests.Clear();
            _interrupted.Clear();
            _bytes = 0;
            return all;
        }
    }

    private bool TryRemove(HeldRequest held)
    {
        lock (_gate)
        {
            if (!_requests.Remove(held))
            {
                return false;
            }
            _interrupted.Remove(held.Unique);
            _bytes -= held.LengthBytes;
            return true;
        }
    }
}
