using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Conformance;

/// <summary>Benches over the reference server.</summary>
internal static class ReferenceBench
{
    private const long StorageBytes = 16 << 20;

    public static Bench Make(RefPolicy policy, TwinOptions options, IBlockStorage? storage = null)
    {
        policy = policy with { Revision = options.Revision };
        RefVolume? volume = null;
        return new Bench(isFresh =>
        {
            volume = isFresh ? new RefVolume(storage ?? new MemoryStorage(StorageBytes), policy.BlockSize) : volume!;
            RefServer.ForgetEverything(volume);
            var kernel = new TwinKernel(options);
            RefServer.Register(kernel, volume, policy.Mischief);
            kernel.Device.Ioctl((uint)DeviceIoctl.SyncInit, []);
            kernel.Attach(new RefServer(volume, policy));
            Bench.Equal(Errno.Ok, kernel.Mount(), "mount");
            return kernel;
        });
    }
}
