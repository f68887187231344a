using System.Collections;

namespace Fuse4fs.Server.Sandbox;

/// <summary>Reasons to leave a server alone unless the sandbox was asked for by name: somebody looks into it, and would see
/// it, or its tools, break.</summary>
internal static class SealObstacle
{
    /// <summary>Variables of the runtime that have it open, execute or send something later. DOTNET_ is COMPlus_ as well.
    /// </summary>
    private static readonly string[] s_diagnostics =
    [
        "DiagnosticPorts", "EnableEventPipe", "PerfMapEnabled", "DbgEnableMiniDump", "LTTng", "StressLog",
    ];

    private const string Profiling = "CORECLR_ENABLE_PROFILING";

    /// <returns>A few words; null where there is none.</returns>
    public static string? Find() => IsTraced() ? "a debugger or tracer is attached"
        : Variable() is string name ? $"{name} is set"
        : null;

    private static bool IsTraced()
    {
        const string field = "TracerPid:";
        try
        {
            return File.ReadLines("/proc/self/status")
                .Any(static line => line.StartsWith(field, StringComparison.Ordinal) && line[field.Length..].Trim() != "0");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string? Variable() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(static variable => variable.Value is string value && value is not ("" or "0"))
        .Select(static variable => (string)variable.Key)
        .FirstOrDefault(static name => name == Profiling || s_diagnostics.Any(one =>
            name == "DOTNET_" + one || name == "COMPlus_" + one));
}
