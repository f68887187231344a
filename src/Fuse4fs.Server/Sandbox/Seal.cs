using System.Runtime.InteropServices;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Sandbox;

/// <summary>Gives up, for good and in all threads, what a process that only serves does not need. In layers: each stands
/// when another cannot be had.</summary>
internal static unsafe class Seal
{
    /// <summary>LANDLOCK_ACCESS_FS_*: what is governed (all of revision 1; then REFER, TRUNCATE, IOCTL_DEV) and what is
    /// allowed (READ_FILE, READ_DIR).</summary>
    private const ulong FirstRights = (1 << 13) - 1, Refer = 1 << 13, Truncate = 1 << 14, DeviceIoctl = 1 << 15,
        ReadFile = 1 << 2, ReadDirectory = 1 << 3;

    /// <summary>LANDLOCK_ACCESS_NET_BIND_TCP and CONNECT_TCP; LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET.</summary>
    private const ulong Network = 3, AbstractSockets = 1;

    private const int ReferRevision = 2, TruncateRevision = 3, NetworkRevision = 4, IoctlRevision = 5, ScopeRevision = 6,
        AllThreadsRevision = 8;

    private const int WordBytes = 8;
    private const nint CapabilitySetNumber = 126, ProcessControlNumber = 157;
    private const uint OwnerOnlyMask = 0x3f;
    private const uint MostFiles = 1024;

    /// <summary>Why strict mode cannot be had on this machine; null when it can.</summary>
    public static string? WhyNotStrict() =>
        !SystemCallNumbers.IsKnownMachine || !EveryThread.IsPossible ? "it is for x86-64"
        : LibC.LandlockRevision() == 0 ? "the kernel has no Landlock"
        : null;

    /// <summary>Applies it.</summary>
    /// <param name="mode">Default or strict.</param>
    /// <param name="overIoUring">There are rings, of requests or of messages.</param>
    /// <returns>What could not be done, a few words each.</returns>
    public static List<string> Apply(SandboxMode mode, bool overIoUring)
    {
        var missing = new List<string>();
        void Try(string what, Errno error)
        {
            if (error != Errno.Ok)
            {
                missing.Add($"{what} ({error})");
            }
        }

        // The runtime keeps the source of random numbers open from its first use on.
        _ = Guid.NewGuid();
        LibC.SetFileModeMask(OwnerOnlyMask);
        Try("no core dumps", LibC.Limit(LibC.LimitCore, 0));
        // Fewer than that already is as well.
        _ = LibC.Limit(LibC.LimitFiles, MostFiles);
        Try("no reading by others", LibC.ProcessControl(LibC.SetDumpable, 0, 0, 0, 0) == 0 ? Errno.Ok : LibC.LastError);
        // Of this thread at least; seccomp hands it on to the others.
        Errno alone = LibC.ProcessControl(LibC.SetNoNewPrivileges, 1, 0, 0, 0) == 0 ? Errno.Ok : LibC.LastError;
        Try("no new privileges", EveryThread.IsPossible
            ? EveryThread.Run(ProcessControlNumber, LibC.SetNoNewPrivileges, 1)
            : alone);
        Try("no capabilities", DropCapabilities());
        Try("Landlock", RestrictFiles(mode == SandboxMode.Strict ? ProgramPlaces.Own() : ProgramPlaces.All()));
        Try("seccomp", SystemCallNumbers.IsKnownMachine
            ? LibC.FilterSystemCalls(SystemCallNumbers.Find("seccomp")!.Value,
                SystemCallPolicy.Build(mode, overIoUring))
            : Errno.NotSupported);
        return missing;
    }

    /// <summary>From now on files can be opened for reading below some places and nowhere else, whoever owns them.</summary>
    private static Errno RestrictFiles(IReadOnlyList<string> readable)
    {
        int revision = LibC.LandlockRevision();
        if (revision == 0 || (revision < AllThreadsRevision && !EveryThread.IsPossible))
        {
            return Errno.NotSupported;
        }
        ulong rights = FirstRights | (revision >= ReferRevision ? Refer : 0) | (revision >= TruncateRevision ? Truncate : 0)
            | (revision >= IoctlRevision ? DeviceIoctl : 0);
        int words = revision >= ScopeRevision ? 3 : revision >= NetworkRevision ? 2 : 1;
        using FileDescriptor ruleset = LibC.CreateLandlock(
            new LibC.LandlockRuleset(rights, Network, AbstractSockets), words * WordBytes);
        if (ruleset.IsInvalid)
        {
            return LibC.LastError;
        }
        foreach (string place in readable)
        {
            using FileDescriptor directory = LibC.Open(place, OpenFlags.Path | OpenFlags.CloseOnExec, 0);
            ulong access = Directory.Exists(place) ? ReadFile | ReadDirectory : ReadFile;
            Errno error = directory.IsInvalid ? Errno.Ok : LibC.AllowBelow(ruleset, directory, access);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
        return revision >= AllThreadsRevision
            ? LibC.RestrictAllThreads(ruleset)
            : EveryThread.Run(LibC.LandlockRestrictSelf, (nuint)ruleset.Number, 0);
    }

    /// <summary>All but one: where new memory is locked as it comes and the limit for that cannot be lifted, CAP_IPC_LOCK stays,
    /// for without it the next piece of memory would be refused and the server would end.</summary>
    private static Errno DropCapabilities()
    {
        const uint version3 = 0x20080522;
        const uint lockMemory = 1 << 14;
        // struct __user_cap_header_struct, then twice effective, permitted, inheritable. Never freed: a thread might look at
        // it late.
        const int headerWords = 2;
        uint* words = (uint*)NativeMemory.AllocZeroed(headerWords + 6, sizeof(uint));
        *words = version3;
        if (LibC.IsKeptInMemory && LibC.Limit(LibC.LimitLockedMemory, nuint.MaxValue) != Errno.Ok)
        {
            words[headerWords] = lockMemory;
            words[headerWords + 1] = lockMemory;
        }
        return EveryThread.Run(CapabilitySetNumber, (nuint)words, (nuint)(words + headerWords));
    }
}
