namespace Fuse4fs.KernelTwin.Scheduling;

/// <summary>No task can go on, or the server does not answer: what a user would see as a hang.</summary>
public sealed class TwinStallException(string message) : Exception(message);
