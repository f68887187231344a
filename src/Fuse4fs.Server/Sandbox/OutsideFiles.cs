namespace Fuse4fs.Server.Sandbox;

/// <summary>What an <see cref="OutsideHelper"/> may touch. Names are absolute; empty where there is none.</summary>
/// <param name="MountPoint">The mount; empty for one that somebody else made.</param>
/// <param name="Socket">The control socket.</param>
/// <param name="SocketInode">Its number: who comes after us may have made another of the same name.</param>
/// <param name="LockFile">The file that goes with the mount.</param>
/// <param name="MetricsFile">Where figures are put.</param>
internal sealed record OutsideFiles(
    string MountPoint = "", string Socket = "", ulong SocketInode = 0, string LockFile = "", string MetricsFile = "")
{
    /// <summary>Files that the runtime removes at the end of its process, and now cannot.</summary>
    public IReadOnlyList<string> OfRuntime { get; init; } = [];
}
