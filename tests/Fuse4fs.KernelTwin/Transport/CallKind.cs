namespace Fuse4fs.KernelTwin.Transport;

/// <summary>What a fatal signal does to a request.</summary>
internal enum CallKind
{
    /// <summary>A dying caller does not send it.</summary>
    Killable,

    /// <summary>Sent and waited for whatever happens.</summary>
    Forced,
}
