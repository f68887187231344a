using Fuse4fs.Testing;

namespace Fuse4fs.Containers.Tests;

/// <summary>The command where ordinary users and containers can reach it; the build folder may belong to root alone.
/// </summary>
internal static class UnprivilegedCommand
{
    /// <summary>The runtime it needs: to be visible at the same place.</summary>
    public static string Runtime { get; } = Path.GetFullPath(
        Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    /// <returns>The program's path.</returns>
    public static string CopyTo(TemporaryDirectory directory)
    {
        string copy = directory.CreateSubdirectory("bin");
        Tool.Shell($"cp '{AppContext.BaseDirectory}'/*.dll '{AppContext.BaseDirectory}'/fuse4fs '{copy}' "
            + $"&& cp '{AppContext.BaseDirectory}'/fuse4fs.*json '{copy}' && chmod -R a+rX '{copy}'");
        return Path.Combine(copy, "fuse4fs");
    }
}
