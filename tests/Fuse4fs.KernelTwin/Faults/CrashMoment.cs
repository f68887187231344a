namespace Fuse4fs.KernelTwin.Faults;

/// <summary>Where in a message's life everything stops.</summary>
public enum CrashMoment
{
    /// <summary>The server has not seen it.</summary>
    BeforeRequest,

    /// <summary>The server has answered; nobody has heard.</summary>
    BeforeReply,
}
