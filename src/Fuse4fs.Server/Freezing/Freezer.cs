using System.Diagnostics;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Freezing;

/// <summary>Freezes a mount: requests that change something are put aside, what is under way ends, and the image is as after
/// an unmount until the mount is thawed. For clients of the control socket, and for a kernel that has stopped writers
/// itself (FREEZE_FS).</summary>
/// <remarks>
/// <para>One holder at a time. A client's freeze ends when it says so, when somebody else does, with its connection unless
/// it has left it behind, at the freeze's limit, and with the mount; the kernel's when the kernel says so.</para>
/// <para>The gate is held while a freeze comes and goes: behind it stand all locks of the engine. A worker may take it for the
/// kernel's requests alone, which no client's freeze waits for: there is none where the kernel moves the data.</para>
/// </remarks>
internal sealed class Freezer(ServedVolume server)
{
    /// <summary>How long what is under way may take to end.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>How long word of the kernel is waited for that it has forgotten files that were just unlinked.</summary>
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(50);
    private static readonly object s_kernel = new();

    private readonly Lock _gate = new();
    private readonly WaitingRequests _waiting = new();
    private readonly object _ending = new();

    /// <summary>Guarded by the gate, as the three below.</summary>
    private object? _holder;
    private bool _isClosed;
    private long _freezes;
    private volatile bool _isFrozen;

    /// <summary>The kernel may still finish what it has begun.</summary>
    private volatile bool _isSettling;

    /// <summary>Stopwatch time at which the freeze ends by itself.</summary>
    private long _limit;

    /// <summary>From the beginning of a client's freeze to its end: what changes something waits.</summary>
    public bool IsHolding => _waiting.IsHolding;

    /// <summary>Nothing is written to the image.</summary>
    public bool IsFrozen => _isFrozen;

    /// <summary>Requests that wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Becomes the one who may freeze, before the kernel is told to write back: for while it is frozen that would
    /// not end.</summary>
    /// <returns>Busy when there is another one, NotConnected when the mount ends, NotSupported where the kernel
    /// has to do it.</returns>
    public Errno Claim(object holder)
    {
        lock (_gate)
        {
            Errno error = _isClosed ? Errno.NotConnected
                : server.Iomap is not null ? Errno.NotSupported
                : _holder is not null && !ReferenceEquals(_holder, holder) ? Errno.Busy
                : Errno.Ok;
            _holder = error == Errno.Ok ? holder : _holder;
            return error;
        }
    }

    /// <summary>Freezes. What the kernel has not written back is not in the image.</summary>
    /// <param name="holder">Whose end ends it.</param>
    /// <param name="limit">When it ends by itself.</param>
    /// <returns>As <see cref="Claim"/>; Busy also when it is frozen; TimedOut when what is under way does not end;
    /// InputOutput when the volume can no longer be written.</returns>
    public Errno Freeze(object holder, TimeSpan limit)
    {
        lock (_gate)
        {
            Errno error = _isFrozen ? Errno.Busy : Claim(holder);
            if (error != Errno.Ok)
            {
                return error;
            }
            try
            {
                _isSettling = true;
                _waiting.Begin();
                error = !Settle() || !server.Background.Pause(s_patience) ? Errno.TimedOut
                    : server.IsShutDown ? Errno.InputOutput
                    : server.Volume.Freeze();
                _isFrozen = error == Errno.Ok;
            }
            finally
            {
                if (!_isFrozen)
                {
                    End();
                }
            }
            if (_isFrozen)
            {
                SetLimit(limit);
                long freeze = ++_freezes;
                new Thread(() => Watch(freeze)) { IsBackground = true, Name = "fuse4fs-freeze" }.Start();
            }
            return error;
        }
    }

    /// <summary>Moves the limit of one's own freeze.</summary>
    /// <returns>False when it has ended.</returns>
    public bool Renew(object holder, TimeSpan limit)
    {
        lock (_gate)
        {
            bool isOwn = _isFrozen && ReferenceEquals(_holder, holder);
            if (isOwn)
            {
                SetLimit(limit);
            }
            return isOwn;
        }
    }

    /// <summary>Leaves one's own freeze behind: it ends by <see cref="Thaw()"/> or at its limit.</summary>
    /// <returns>False when it has ended.</returns>
    public bool Keep(object holder)
    {
        lock (_gate)
        {
            bool isOwn = _isFrozen && ReferenceEquals(_holder, holder);
            _holder = isOwn ? new object() : _holder;
            return isOwn;
        }
    }

    /// <summary>Ends one's own freeze. Returns when those that waited have been handled.</summary>
    /// <returns>False when it had ended before.</returns>
    public bool Thaw(object holder)
    {
        lock (_gate)
        {
            bool wasFrozen = _isFrozen;
            if (ReferenceEquals(_holder, holder))
            {
                End();
                return wasFrozen;
            }
            return false;
        }
    }

    /// <summary>Ends whatever freeze there is.</summary>
    /// <returns>Invalid when there is none; NotSupported when it is the kernel's.</returns>
    public Errno Thaw()
    {
        lock (_gate)
        {
            if (!_isFrozen || ReferenceEquals(_holder, s_kernel))
            {
                return _isFrozen ? Errno.NotSupported : Errno.Invalid;
            }
            End();
            return Errno.Ok;
        }
    }

    /// <summary>FREEZE_FS: the kernel keeps writers out.</summary>
    public Errno FreezeForKernel()
    {
        lock (_gate)
        {
            Errno error = _isClosed ? Errno.NotConnected : _holder is not null ? Errno.Busy : Errno.Ok;
            if (error != Errno.Ok)
            {
                return error;
            }
            error = server.Background.Pause(s_patience) ? server.Volume.Freeze() : Errno.TimedOut;
            _isFrozen = error == Errno.Ok;
            if (_isFrozen)
            {
                _holder = s_kernel;
            }
            else
            {
                server.Background.Resume();
            }
            return error;
        }
    }

    /// <summary>UNFREEZE_FS.</summary>
    public Errno ThawForKernel()
    {
        lock (_gate)
        {
            return ReferenceEquals(_holder, s_kernel) ? End() : Errno.Ok;
        }
    }

    /// <summary>The mount ends: thaws, and freezes no more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            if (_isFrozen)
            {
                End();
            }
        }
    }

    /// <summary>Has a request wait if it has to.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="body">Its body, of which nothing was taken.</param>
    /// <param name="reply">Of the request.</param>
    /// <param name="error">What to answer when the result is true.</param>
    /// <returns>False when it is to be handled now.</returns>
    public bool TryHold(in InHeader header, in RequestReader body, ref ReplyWriter reply, out Errno error)
    {
        error = Errno.Ok;
        return FrozenRequests.MustWait(in header, in body)
            && !(_isSettling && FrozenRequests.IsKernelsOwn(in header, in body))
            && (_waiting.TryHold(in header, in body, ref reply, out error) || error != Errno.Ok);
    }

    /// <summary>The caller of a request got a signal. If it ends by that, it need not wait for the thaw.</summary>
    public void Interrupted(ulong unique)
    {
        if (_waiting.IsHolding)
        {
            _waiting.Interrupt(unique);
        }
    }

    private void SetLimit(TimeSpan limit) =>
        Volatile.Write(ref _limit, Stopwatch.GetTimestamp() + (long)(limit.TotalSeconds * Stopwatch.Frequency));

    /// <summary>Waits for the requests under way, and for what those that were answered leave to be done.</summary>
    /// <returns>False when that does not end.</returns>
    private bool Settle()
    {
        bool isSettled = WaitForRequests();
        if (isSettled)
        {
            // Whoever took a file's last name is told before the kernel writes its times and forgets it. What stays is kept by
            // somebody who cannot be seen here, as the directory he stands in: the next mount frees it.
            _ = WaitFor(() => !server.Volume.HasUnusedOrphans(server.Opens.Inodes()), s_settling);
        }
        _isSettling = false;
        return isSettled && WaitForRequests();
    }

    private bool WaitForRequests()
    {
        if (server.Volume.Epoch is not RequestEpoch epoch)
        {
            return true;
        }
        long mark = epoch.Mark();
        // Whoever shuts the mount down is perhaps one of them, and waits for us.
        return WaitFor(() => epoch.HasPassed(mark) || server.IsShutDown, s_patience);
    }

    private static bool WaitFor(Func<bool> condition, TimeSpan limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                return false;
            }
            Thread.Sleep(1);
        }
        return true;
    }

    /// <summary>Under the gate. Those that waited are handled before anybody can freeze again.</summary>
    private Errno End()
    {
        Errno error = ThawVolume();
        _isFrozen = false;
        _holder = null;
        server.Background.Resume();
        server.Session?.Serve(_waiting.End());
        lock (_ending)
        {
            Monitor.PulseAll(_ending);
        }
        return error;
    }

    private Errno ThawVolume()
    {
        try
        {
            return _isFrozen ? server.Volume.Thaw() : Errno.Ok;
        }
        catch (Exception failure)
        {
            // Then the journal takes no changes any more: those who wait are told by the answers they get.
            ServerLog.BackgroundFailed(server.Log, failure);
            return Errno.InputOutput;
        }
    }

    /// <summary>While it is frozen: ends it at its limit, and lets go those who were killed while they waited.</summary>
    private void Watch(long freeze)
    {
        while (true)
        {
            lock (_ending)
            {
                Monitor.Wait(_ending, s_lookEvery);
            }
            if (!_isFrozen || Volatile.Read(ref _freezes) != freeze)
            {
                return;
            }
            _waiting.GiveUpEnding();
            if (Stopwatch.GetTimestamp() >= Volatile.Read(ref _limit))
            {
                EndAtLimit(freeze);
            }
        }
    }

    private void EndAtLimit(long freeze)
    {
        lock (_gate)
        {
            if (_isFrozen && _freezes == freeze && Stopwatch.GetTimestamp() >= _limit)
            {
                ServerLog.FreezeEnded(server.Log);
                End();
            }
        }
    }
}
