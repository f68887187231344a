using Fuse4fs.Linux;

namespace Fuse4fs.Server.Mounting;

/// <summary>Keeps this process from being what memory is waited for while it is what frees memory: the kernel can write
/// back pages of our files only when we answer.</summary>
internal static class ResidentMemory
{
    /// <summary>Locks what is in memory, where that is permitted and the heap cannot grow without limit. The server is
    /// started with such a limit (DOTNET_GCHeapHardLimitPercent).</summary>
    public static void TryHold()
    {
        if (GC.GetConfigurationVariables().Any(static variable =>
            variable.Key.StartsWith("GCHeapHardLimit", StringComparison.Ordinal) && variable.Value is long and > 0))
        {
            _ = LibC.KeepInMemory();
        }
    }
}
