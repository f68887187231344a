namespace Fuse4fs;

/// <summary>Exit codes, those of mount(8).</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 1;

    /// <summary>The mount, unmount or other work failed.</summary>
    public const int MountFailed = 32;

    /// <summary>Prints one line for the user and hands the code on.</summary>
    public static int Report(string message, int code)
    {
        Console.Error.WriteLine($"fuse4fs: {message}");
        return code;
    }
}
