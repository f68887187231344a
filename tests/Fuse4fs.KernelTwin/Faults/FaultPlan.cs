using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Faults;

/// <summary>What goes wrong, and when. May be changed while the twin runs.</summary>
public sealed class FaultPlan
{
    /// <summary>An errno with which a notification fails although nothing is wrong with it; for instance ENOMEM or
    /// ESTALE for an upsert. Given the code and how many of all codes came before.</summary>
    public Func<NotifyCode, int, Errno>? OnNotification { get; set; }

    /// <summary>True kills the process that is about to send this request, after it was sent.</summary>
    public Func<TraceEntry, bool>? KillSender { get; set; }

    /// <summary>Number of the message, from 1, at which everything stops; 0: never.</summary>
    public long CrashAtMessage { get; set; }

    public CrashMoment CrashMoment { get; set; }

    /// <summary>True keeps the reply to this request back until Release is called on the twin.</summary>
    public Func<TraceEntry, bool>? HoldReply { get; set; }
}
