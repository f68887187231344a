namespace Fuse4fs.Bench.Systems;

/// <summary>The measure of all things: ext4 in the kernel, on a loop device.</summary>
internal sealed class KernelExt4 : IBenchSystem
{
    /// <inheritdoc/>
    public string Name => "kernel";

    /// <inheritdoc/>
    public string Description => "kernel ext4 on a loop device";

    /// <inheritdoc/>
    public IMountedSystem Mount(string image, string mountPoint, bool isWritable) =>
        new LoopMount(image, mountPoint, isWritable);
}
