using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Systems;

/// <summary>A mounted system. Dispose takes down whatever <see cref="Unmount"/> did not.</summary>
internal interface IMountedSystem : IDisposable
{
    /// <summary>The server process; null where the kernel does the work.</summary>
    ServerProcess? Server { get; }

    /// <summary>Unmounts and returns when the image is released.</summary>
    void Unmount();
}
