using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests.Service;

/// <summary>What stays of the mount service's hardening where memory is concerned.</summary>
public sealed class MemoryTests
{
    [Fact]
    public void No_page_of_a_server_is_writable_and_executable_at_once()
    {
        Assert.SkipUnless(Host.NoRootFuse is null, Host.NoRootFuse ?? "");
        using var image = new TestImage("-t ext4");
        using var mount = new ServedMount(image.Path, "rw");
        Tool.Shell($"cp -r /etc/apt {mount.MountPoint}/ && rm -r {mount.MountPoint}/apt");
        string[] maps = File.ReadAllLines($"/proc/{mount.ServerProcess}/maps");
        Assert.Contains(maps, static line => line.Contains(" r-xs ", StringComparison.Ordinal)
            || line.Contains(" r-xp ", StringComparison.Ordinal));
        Assert.DoesNotContain(maps, static line => line.Split(' ')[1].Contains("wx", StringComparison.Ordinal));
    }
}
