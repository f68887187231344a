using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse.Tests.Mounting;

/// <summary>Requests by read and write on /dev/fuse.</summary>
public sealed class DeviceMountedTests : MountedTests
{
    protected override InitFlags Transport => InitFlags.None;
}
