namespace Fuse4fs.KernelTwin.Transport;

/// <summary>On whose behalf a request is made.</summary>
public sealed class Caller(string mark, uint pid, uint uid, uint gid)
{
    /// <summary>As traces show it: empty for a process.</summary>
    public string Mark { get; } = mark;

    public uint Pid { get; } = pid;

    public uint Uid { get; } = uid;

    public uint Gid { get; } = gid;

    /// <summary>Has a fatal signal pending.</summary>
    public bool IsKilled { get; internal set; }

    /// <summary>Requests without a process: INIT, CONFIG, RELEASE, FORGET, INTERRUPT, DESTROY.</summary>
    internal static Caller None { get; } = new("0", 0, 0, 0);

    /// <summary>Completion worker.</summary>
    internal static Caller Worker { get; } = new("K", 31, 0, 0);

    /// <summary>Flusher.</summary>
    internal static Caller Flusher { get; } = new("F", 32, 0, 0);

    /// <summary>Completion worker of asynchronous direct I/O.</summary>
    internal static Caller AsyncWorker { get; } = new("A", 33, 0, 0);
}
