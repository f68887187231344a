namespace Fuse4fs.KernelTwin.Scheduling;

/// <summary>A task that nobody waited for failed.</summary>
public sealed class TwinTaskException(Exception cause) : Exception(cause.Message, cause);
