using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests;

/// <summary>/dev/fuse open to everybody, as distributions have it, until the last of all tests that need it, in this process
/// and in others, is done.</summary>
internal sealed class OpenedFuseDevice : IDisposable
{
    private static readonly string s_mode = Path.Combine(Path.GetTempPath(), "fuse4fs-tests.device-mode");

    /// <summary>Locked shared while in use: who gets it alone is the last one.</summary>
    private readonly FileDescriptor _use;

    public OpenedFuseDevice()
    {
        const int readableByOwner = 0x180;
        _use = LibC.Open(s_mode + ".lock", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.CloseOnExec, readableByOwner);
        Assert.Equal(0, LibC.Lock(_use, LibC.LockShared));
        // First looked at, then remembered, then changed: so nobody remembers what another one has changed.
        string mode = Tool.Check("stat", "-c", "%a", "/dev/fuse").Trim();
        if (!File.Exists(s_mode))
        {
            string draft = $"{s_mode}.{Guid.NewGuid():N}";
            File.WriteAllText(draft, mode);
            Tool.Run("ln", draft, s_mode);
            File.Delete(draft);
        }
        Tool.Check("chmod", "666", "/dev/fuse");
    }

    public void Dispose()
    {
        if (LibC.Lock(_use, LibC.LockExclusive | LibC.LockNoWait) == 0 && File.Exists(s_mode))
        {
            Tool.Check("chmod", File.ReadAllText(s_mode).Trim(), "/dev/fuse");
            File.Delete(s_mode);
        }
        _use.Dispose();
    }
}
