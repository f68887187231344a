using System.Collections.Concurrent;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Keeps what was reported.</summary>
internal sealed class CollectedEvents : IEngineEvents
{
    public ConcurrentQueue<Ext4CorruptException> Damages { get; } = new();

    public ConcurrentQueue<string> Warnings { get; } = new();

    public ConcurrentQueue<DeviceException> Failures { get; } = new();

    public void Damage(Ext4CorruptException damage, InodeNumber inode) => Damages.Enqueue(damage);

    public void Warning(string message) => Warnings.Enqueue(message);

    public void DeviceFailed(DeviceException failure) => Failures.Enqueue(failure);
}
