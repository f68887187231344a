using System.Collections.Frozen;
using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Sandbox;

/// <summary>Numbers of system calls by their names. Source: asm/unistd_64.h and asm-generic/unistd.h.</summary>
internal static class SystemCallNumbers
{
    /// <summary>AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64.</summary>
    private const uint X64Audit = 0xc000003e, Arm64Audit = 0xc00000b7;

    /// <summary>Not a call of that architecture.</summary>
    private const int None = -1;

    private static readonly FrozenDictionary<string, (int X64, int Arm64)> s_numbers = Table().ToFrozenDictionary(
        static one => one.Name, static one => (one.X64, one.Arm64), StringComparer.Ordinal);

    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Whether this machine is of a kind that the table knows.</summary>
    public static bool IsKnownMachine { get; } =
        RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64 && Environment.Is64BitProcess;

    /// <summary>What seccomp calls this machine.</summary>
    public static uint Audit => s_isArm ? Arm64Audit : X64Audit;

    /// <summary>Smaller than the numbers of x32's calls and larger than all others.</summary>
    public const uint Limit = 0x40000000;

    /// <summary>A call's number here; null for one that this machine does not have.</summary>
    /// <exception cref="KeyNotFoundException">Nobody has put it into the table.</exception>
    public static int? Find(string name)
    {
        (int x64, int arm64) = s_numbers[name];
        int number = s_isArm ? arm64 : x64;
        return number == None ? null : number;
    }

    /// <summary>The whole table; -1 for a call that an architecture does not have.</summary>
    internal static IEnumerable<(string Name, int X64, int Arm64)> Table() =>
    [
        ("read", 0, 63), ("write", 1, 64), ("open", 2, None), ("close", 3, 57), ("stat", 4, None), ("fstat", 5, 80),
        ("lstat", 6, None), ("poll", 7, None), ("lseek", 8, 62), ("mmap", 9, 222), ("mprotect", 10, 226),
        ("munmap", 11, 215), ("brk", 12, 214), ("rt_sigaction", 13, 134), ("rt_sigprocmask", 14, 135),
        ("rt_sigreturn", 15, 139), ("ioctl", 16, 29), ("pread64", 17, 67), ("pwrite64", 18, 68), ("readv", 19, 65),
        ("writev", 20, 66), ("access", 21, None), ("sched_yield", 24, 124), ("mremap", 25, 216), ("msync", 26, 227),
        ("mincore", 27, 232), ("madvise", 28, 233), ("dup", 32, 23), ("dup2", 33, None), ("nanosleep", 35, 101),
        ("getpid", 39, 172), ("sendfile", 40, 71), ("socket", 41, 198), ("connect", 42, 203), ("sendto", 44, 206),
        ("recvfrom", 45, 207), ("sendmsg", 46, 211), ("recvmsg", 47, 212), ("shutdown", 48, 210), ("bind", 49, 200),
        ("listen", 50, 201), ("getsockname", 51, 204), ("setsockopt", 54, 208), ("getsockopt", 55, 209),
        ("clone", 56, 220), ("fork", 57, None), ("vfork", 58, None), ("execve", 59, 221), ("exit", 60, 93),
        ("kill", 62, 129), ("uname", 63, 160), ("fcntl", 72, 25), ("flock", 73, 32), ("fsync", 74, 82),
        ("fdatasync", 75, 83), ("truncate", 76, 45), ("ftruncate", 77, 46), ("getcwd", 79, 17), ("rename", 82, None),
        ("mkdir", 83, None), ("unlink", 87, None), ("readlink", 89, None), ("chmod", 90, None),
        ("gettimeofday", 96, 169), ("getrlimit", 97, 163), ("getrusage", 98, 165), ("sysinfo", 99, 179),
        ("times", 100, 153), ("ptrace", 101, 117), ("getuid", 102, 174), ("getgid", 104, 176), ("geteuid", 107, 175),
        ("getegid", 108, 177), ("getppid", 110, 173), ("capget", 125, 90), ("capset", 126, 91),
        ("sigaltstack", 131, 132), ("statfs", 137, 43), ("fstatfs", 138, 44), ("getpriority", 140, 141),
        ("sched_getparam", 143, 121), ("sched_setscheduler", 144, 119), ("sched_getscheduler", 145, 120),
        ("sched_get_priority_max", 146, 125), ("sched_get_priority_min", 147, 126), ("mlock", 149, 228),
        ("pivot_root", 155, 41),
        ("prctl", 157, 167), ("chroot", 161, 51), ("mount", 165, 40), ("umount2", 166, 39), ("init_module", 175, 105),
        ("gettid", 186, 178), ("futex", 202, 98), ("sched_setaffinity", 203, 122), ("sched_getaffinity", 204, 123),
        ("getdents64", 217, 61), ("restart_syscall", 219, 128), ("fadvise64", 221, 223), ("clock_gettime", 228, 113),
        ("clock_getres", 229, 114), ("clock_nanosleep", 230, 115), ("exit_group", 231, 94), ("tgkill", 234, 131),
        ("mbind", 237, 235), ("get_mempolicy", 239, 236), ("keyctl", 250, 219), ("openat", 257, 56),
        ("mkdirat", 258, 34), ("mknodat", 259, 33), ("newfstatat", 262, 79), ("unlinkat", 263, 35),
        ("renameat", 264, 38), ("linkat", 265, 37), ("symlinkat", 266, 36), ("readlinkat", 267, 78),
        ("fchmodat", 268, 53), ("faccessat", 269, 48), ("ppoll", 271, 73), ("unshare", 272, 97),
        ("set_robust_list", 273, 99), ("splice", 275, 76), ("sync_file_range", 277, 84), ("fallocate", 285, 47),
        ("accept4", 288, 242), ("eventfd2", 290, 19), ("dup3", 292, 24), ("pipe2", 293, 59), ("preadv", 295, 69),
        ("pwritev", 296, 70), ("perf_event_open", 298, 241), ("prlimit64", 302, 261), ("open_by_handle_at", 304, 265),
        ("syncfs", 306, 267), ("setns", 308, 268), ("getcpu", 309, 168), ("process_vm_readv", 310, 270),
        ("process_vm_writev", 311, 271), ("finit_module", 313, 273), ("renameat2", 316, 276), ("seccomp", 317, 277),
        ("getrandom", 318, 278), ("bpf", 321, 280), ("execveat", 322, 281), ("userfaultfd", 323, 282),
        ("membarrier", 324, 283), ("copy_file_range", 326, 285), ("preadv2", 327, 286), ("pwritev2", 328, 287),
        ("statx", 332, 291), ("rseq", 334, 293), ("io_uring_setup", 425, 425), ("io_uring_enter", 426, 426),
        ("open_tree", 428, 428), ("move_mount", 429, 429), ("fsopen", 430, 430), ("fsmount", 432, 432),
        ("clone3", 435, 435), ("openat2", 437, 437), ("pidfd_getfd", 438, 438), ("faccessat2", 439, 439),
    ];
}
