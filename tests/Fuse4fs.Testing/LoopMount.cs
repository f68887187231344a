using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing;

/// <summary>An image mounted by the kernel's ext4 on a loop device: the oracle.</summary>
public sealed class LoopMount : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private bool _mounted;

    /// <summary>Mounts.</summary>
    /// <param name="image">The image file.</param>
    /// <param name="options">Mount options beside the loop device, as in "ro,noload".</param>
    /// <param name="type">ext4, ext3 or ext2: all served by the kernel's ext4.</param>
    public LoopMount(string image, string options = "", string type = "ext4")
    {
        MountPoint = _directory.CreateSubdirectory("mnt");
        try
        {
            Tool.Check("mount", "-t", type, "-o", options.Length == 0 ? "loop" : "loop," + options, image, MountPoint);
            _mounted = true;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where the tree is.</summary>
    public string MountPoint { get; }

    /// <summary>The name of something inside.</summary>
    public string Combine(string name) => Path.Combine(MountPoint, name);

    /// <summary>EXT4_IOC_SHUTDOWN: from now on nothing is written any more, as in a power cut; what the journal holds
    /// stays to be replayed.</summary>
    public void Shutdown()
    {
        const uint shutdown = 0x8004587D;
        int withoutFlushingTheLog = 2;
        int descriptor = Posix.Open(new HostPath(MountPoint), OpenMode.Read | OpenMode.Directory);
        int outcome = Posix.Control(descriptor, shutdown, ref withoutFlushingTheLog);
        Posix.Close(descriptor);
        if (outcome < 0)
        {
            throw new OracleException($"EXT4_IOC_SHUTDOWN: error {-outcome}");
        }
    }

    /// <summary>Unmounts, and fails when that is impossible.</summary>
    public void Unmount()
    {
        ToolResult result = TryUnmount();
        if (result.ExitCode != 0)
        {
            throw new OracleException($"umount {MountPoint}: {result.Errors}");
        }
        _mounted = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_mounted)
        {
            TryUnmount();
        }
        _directory.Dispose();
    }

    /// <summary>A program that another test is starting holds a copy of every descriptor from its fork to its exec.</summary>
    private ToolResult TryUnmount()
    {
        const int attempts = 50;
        const int pauseMilliseconds = 200;
        for (int attempt = 1; ; attempt++)
        {
            ToolResult result = Tool.Run("umount", MountPoint);
            if (result.ExitCode == 0 || attempt == attempts)
            {
                return result;
            }
            Thread.Sleep(pauseMilliseconds);
        }
    }
}
