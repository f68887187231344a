namespace Fuse4fs.Server.Sandbox;

/// <summary>The files a running program comes back to: its own, the runtime's, and what the kernel tells about
/// processes and memory.</summary>
internal static class ProgramPlaces
{
    private static readonly string[] s_system =
    [
        "/sys", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/localtime",
        "/etc/timezone", "/etc/ld.so.cache", "/dev/null", "/dev/urandom",
    ];

    /// <summary>The program, the runtime, and /proc: what code that is used for the first time is loaded from, and what is
    /// looked up about callers. Directories stand for all that is below.</summary>
    public static List<string> Own()
    {
        IEnumerable<string?> program = ["/proc", AppContext.BaseDirectory, Environment.ProcessPath];
        string[] assemblies = Assemblies();
        return [.. program.Concat(assemblies.Select(Path.GetDirectoryName))
            // In a root directory the files themselves: else it would be everything.
            .Concat(assemblies.Where(static path => Path.GetDirectoryName(path) is "/"))
            .OfType<string>().Where(static path => path.Length > 1).Distinct().Where(Path.Exists)];
    }

    /// <summary>These and what belongs to the system.</summary>
    public static List<string> All() => [.. Own().Concat(s_system.Where(Path.Exists))];

    /// <summary>Files in /tmp by which debuggers and tracers find this process, and which the runtime removes at its end.
    /// There are none where its diagnostics are switched off.</summary>
    public static string[] DiagnosticFiles()
    {
        try
        {
            int self = Environment.ProcessId;
            return [.. Directory.EnumerateFiles(Path.GetTempPath(), $"dotnet-diagnostic-{self}-*"),
                .. Directory.EnumerateFiles(Path.GetTempPath(), $"clr-debug-pipe-{self}-*")];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Paths of all assemblies the runtime may load; names only where they are in one file.</summary>
    private static string[] Assemblies() =>
        (AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") as string ?? "")
            .Split(':', StringSplitOptions.RemoveEmptyEntries);
}
