using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tracing;

/// <summary>Messages of the server's own, which the recordings do not show among the requests.</summary>
public sealed class NotificationTally
{
    private readonly Dictionary<NotifyCode, int> _accepted = [];

    /// <summary>Called for each upload that was accepted: node, what was put into the read slot. From threads of the
    /// server, one at a time.</summary>
    public Action<ulong, Mapping>? OnUpload { get; set; }

    /// <summary>How many of a kind were accepted since the mount.</summary>
    public int this[NotifyCode code] => _accepted.GetValueOrDefault(code);

    internal void Add(NotifyCode code) => _accepted[code] = this[code] + 1;
}
