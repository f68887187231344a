namespace Fuse4fs.Testing;

/// <summary>What this machine offers; tests that need more than it has are skipped with the reason.</summary>
public static class Host
{
    private static readonly Lazy<string?> s_kernelExt4 = new(TryKernelExt4);

    /// <summary>Why tests cannot mount ext4 by the kernel here, or null when they can.</summary>
    public static string? NoKernelExt4 => s_kernelExt4.Value;

    /// <summary>Why tests cannot mount by FUSE here, or null when they can.</summary>
    public static string? NoFuse => File.Exists("/dev/fuse") ? null : "there is no /dev/fuse";

    /// <summary>Why tests cannot mount by FUSE directly here, or null when they can.</summary>
    public static string? NoRootFuse => IsRoot ? NoFuse : "not root";

    /// <summary>Whether this process is root.</summary>
    public static bool IsRoot { get; } = Environment.UserName == "root";

    /// <summary>Why a program is missing, or null when it is there.</summary>
    public static string? Without(string program) => Tool.Exists(program) ? null : $"{program} is not installed";

    private static string? TryKernelExt4()
    {
        if (!IsRoot)
        {
            return "not root: no loop mounts";
        }
        if (!Tool.Exists("mke2fs"))
        {
            return "mke2fs is not installed";
        }
        try
        {
            using var image = new TestImage("-t ext4", 8L << 20);
            using var mount = new LoopMount(image.Path, "ro");
            return null;
        }
        catch (OracleException refused)
        {
            return "the kernel mounts no ext4 on a loop device: " + refused.Message;
        }
    }
}
