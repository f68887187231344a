using Fuse4fs.KernelTwin.Devices;

namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>A registered block device.</summary>
internal sealed class BackingDevice(uint id, BackingDescriptor descriptor)
{
    public uint Id { get; } = id;

    public BackingDescriptor Descriptor { get; } = descriptor;

    public IBlockStorage Storage { get; } = descriptor.Storage!;
}
