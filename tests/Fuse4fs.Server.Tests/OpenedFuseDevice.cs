using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests;

/// <summary>/dev/fuse open to everybody, as distributions have it, until Dispose.</summary>
internal sealed class OpenedFuseDevice : IDisposable
{
    private readonly string _before = Tool.Check("stat", "-c", "%a", "/dev/fuse").Trim();

    public OpenedFuseDevice() => Tool.Check("chmod", "666", "/dev/fuse");

    public void Dispose() => Tool.Check("chmod", _before, "/dev/fuse");
}
