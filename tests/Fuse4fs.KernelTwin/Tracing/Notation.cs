using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tracing;

/// <summary>The short forms of the recordings.</summary>
internal static class Notation
{
    private static readonly (OperationFlags Flag, string Name)[] s_operations =
    [
        (OperationFlags.Write, "W"), (OperationFlags.Zero, "Z"), (OperationFlags.Report, "RPT"),
        (OperationFlags.Fault, "FAULT"), (OperationFlags.Direct, "DIR"), (OperationFlags.NoWait, "NOWAIT"),
        (OperationFlags.Atomic, "ATOMIC"), (OperationFlags.Writeback, "WB"), (OperationFlags.SwapFile, "SWP"),
    ];

    private static readonly (IoendFlags Flag, string Name)[] s_completions =
    [
        (IoendFlags.Shared, "SHARED"), (IoendFlags.Unwritten, "U"), (IoendFlags.Direct, "DIR"),
        (IoendFlags.Append, "A"), (IoendFlags.Writeback, "WB"), (IoendFlags.SwapOff, "SWAPOFF"),
    ];

    public static string Of(OperationFlags flags) => flags == OperationFlags.None ? "R"
        : string.Join('|', s_operations.Where(pair => (flags & pair.Flag) != 0).Select(pair => pair.Name));

    public static string Of(IoendFlags flags) =>
        string.Join('|', s_completions.Where(pair => (flags & pair.Flag) != 0).Select(pair => pair.Name));

    public static string Answer(in Mapping read, in Mapping write) =>
        read.Type == MappingType.RetryCache || write.Type == MappingType.RetryCache ? "RETRY"
        : write.Type == MappingType.PureOverwrite ? $"{read}{Marks(read.Flags)}"
        : $"{read}{Marks(read.Flags)} / {write}{Marks(write.Flags)}";

    public static string End(in Mapping target, MappingFlags flags) =>
        $"{{{target}{((flags & MappingFlags.SizeChanged) != 0 ? " SC" : "")}"
        + $"{((flags & MappingFlags.Stale) != 0 ? " STALE" : "")}}}";

    public static string Error(Errno error) => error == Errno.Ok ? "" : $"=> {error}";

    private static string Marks(MappingFlags flags) => flags == MappingFlags.None ? "" : $" 0x{(uint)flags:x}";
}
