using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>What a process gives up for good.</summary>
public static unsafe partial class LibC
{
    /// <summary>PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS of prctl(2).</summary>
    public const int SetDumpable = 4, SetNoNewPrivileges = 38;

    /// <summary>RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_MEMLOCK of setrlimit(2).</summary>
    public const int LimitCore = 4, LimitFiles = 7, LimitLockedMemory = 8;

    /// <summary>SECCOMP_SET_MODE_FILTER and SECCOMP_FILTER_FLAG_TSYNC.</summary>
    private const nuint SetModeFilter = 1, AllThreads = 1;

    /// <summary>LANDLOCK_CREATE_RULESET_VERSION.</summary>
    private const nuint RulesetVersion = 1;

    private const nint LandlockCreateRuleset = 444;
    private const nint LandlockAddRule = 445;

    /// <summary>landlock_restrict_self(2), on every architecture.</summary>
    public const nint LandlockRestrictSelf = 446;

    /// <summary>struct sock_filter: one instruction of a classic BPF program.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct FilterInstruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public FilterInstruction* Instructions;
    }

    /// <summary>struct landlock_ruleset_attr of the sixth revision; older ones know less of it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public record struct LandlockRuleset(ulong FileAccess, ulong NetworkAccess, ulong Scoped);

    /// <summary>struct landlock_path_beneath_attr.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct LandlockPathRule
    {
        public ulong Allowed;
        public int Directory;
    }

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nuint first, nuint second, nuint third, nuint fourth);

    [LibraryImport(Library, EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, nuint* softAndHard);

    [LibraryImport(Library, EntryPoint = "umask")]
    private static partial uint ChangeFileModeMask(uint mask);

    /// <summary>Rights that files made from now on do not have. umask(2).</summary>
    public static void SetFileModeMask(uint mask) => _ = ChangeFileModeMask(mask);

    /// <summary>Lowers a limit of this process, for good; raises it with the right to do so.</summary>
    public static Errno Limit(int resource, nuint value)
    {
        nuint* limits = stackalloc nuint[2] { value, value };
        return SetLimit(resource, limits) == 0 ? Errno.Ok : LastError;
    }

    /// <summary>seccomp(2): from now on every thread's system calls are judged by a program, and none gains a privilege by
    /// executing a file. All threads must have the filters that this one has.</summary>
    /// <param name="number">Of the system call seccomp on this architecture.</param>
    /// <param name="program">The filter.</param>
    /// <returns>Busy when a thread has another filter.</returns>
    public static Errno FilterSystemCalls(int number, ReadOnlySpan<FilterInstruction> program)
    {
        if (ProcessControl(SetNoNewPrivileges, 1, 0, 0, 0) != 0)
        {
            return LastError;
        }
        fixed (FilterInstruction* first = program)
        {
            var whole = new FilterProgram { Length = (ushort)program.Length, Instructions = first };
            nint result = SystemCall(number, SetModeFilter, AllThreads, (nuint)(&whole), 0);
            // A positive number is a thread that could not be brought into line.
            return result == 0 ? Errno.Ok : result > 0 ? Errno.Busy : LastError;
        }
    }

    /// <summary>Which revision of Landlock the kernel has; 0 without.</summary>
    public static int LandlockRevision() =>
        (int)Math.Max(0, SystemCall(LandlockCreateRuleset, 0, 0, RulesetVersion, 0));

    /// <summary>landlock_create_ruleset(2).</summary>
    public static FileDescriptor CreateLandlock(LandlockRuleset ruleset, int knownBytes) =>
        new((int)SystemCall(LandlockCreateRuleset, (nuint)(&ruleset), (nuint)knownBytes, 0, 0));

    /// <summary>landlock_restrict_self(2) for all threads at once (LANDLOCK_RESTRICT_SELF_TSYNC): from revision 8 on.
    /// </summary>
    public static Errno RestrictAllThreads(FileDescriptor ruleset)
    {
        const nuint allThreads = 1 << 3;
        return SystemCall(LandlockRestrictSelf, (nuint)ruleset.Number, allThreads, 0, 0) == 0 ? Errno.Ok : LastError;
    }

    /// <summary>landlock_add_rule(2): allows something below a directory.</summary>
    public static Errno AllowBelow(FileDescriptor ruleset, FileDescriptor directory, ulong access)
    {
        const nuint pathBeneath = 1;
        var rule = new LandlockPathRule { Allowed = access, Directory = directory.Number };
        return SystemCall(LandlockAddRule, (nuint)ruleset.Number, pathBeneath, (nuint)(&rule), 0) == 0
            ? Errno.Ok
            : LastError;
    }
}
