using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Sandbox;

/// <summary>Which system calls a server makes once its mount is ready: its own work, and what the runtime does at any time
/// (collecting garbage, compiling methods, starting threads). docs/security.md lists what they are for.</summary>
internal static class SystemCallPolicy
{
    /// <summary>Of open file descriptors, memory, time, threads and signals of this process.</summary>
    private static readonly string[] s_allowed =
    [
        "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek",
        "close", "dup", "dup2", "dup3", "fcntl", "flock", "fstat", "newfstatat", "statx", "fstatfs", "fsync", "fdatasync",
        "fallocate", "fadvise64", "copy_file_range", "sync_file_range", "syncfs", "ftruncate", "splice", "sendfile",
        "poll", "ppoll", "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown", "getsockopt", "setsockopt",
        "getsockname", "pipe2", "eventfd2",
        "mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "mlock", "brk", "membarrier", "mbind",
        "get_mempolicy",
        "futex", "set_robust_list", "rseq", "gettid", "getpid", "getppid", "exit", "exit_group", "sched_yield",
        "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler",
        "sched_setscheduler", "sched_get_priority_max", "sched_get_priority_min", "getpriority", "getcpu",
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
        "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "times", "getrusage", "getrlimit",
        "sysinfo", "uname", "getrandom", "getuid", "geteuid", "getgid", "getegid", "capget", "getcwd",
    ];

    /// <summary>What nobody but an intruder asks for: new programs, sockets, name spaces, power over others. In strict mode
    /// they end the process, else they are not permitted. Whatever no list names is answered as by a kernel that does not
    /// have it.</summary>
    private static readonly string[] s_hostile =
    [
        "execve", "execveat", "fork", "vfork", "socket", "connect", "bind", "listen", "ptrace", "mount", "umount2",
        "open_tree", "move_mount", "fsopen", "fsmount", "pivot_root", "chroot", "setns", "unshare", "bpf", "init_module",
        "finit_module", "io_uring_setup", "pidfd_getfd", "perf_event_open", "userfaultfd", "keyctl", "open_by_handle_at",
    ];

    /// <summary>Changing files by name: not permitted.</summary>
    private static readonly string[] s_changingByName =
    [
        "unlink", "unlinkat", "rename", "renameat", "renameat2", "truncate", "chmod", "fchmodat", "mkdir", "mkdirat",
        "mknodat", "linkat", "symlinkat",
    ];

    /// <summary>Looking at files by name.</summary>
    private static readonly string[] s_lookingByName =
        ["stat", "lstat", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "statfs", "getdents64"];

    /// <summary>Commands of ioctl(2): discarding and zeroing of block devices, their size and protection; what the
    /// runtime asks of its standard descriptors.</summary>
    private static readonly uint[] s_ioctls =
    [
        BlockDeviceRequest.Discard, BlockDeviceRequest.ZeroOut, BlockDeviceRequest.GetSize64,
        BlockDeviceRequest.GetSectorSize, BlockDeviceRequest.GetReadOnly, 0x5401, 0x5413, 0x541b,
    ];

    /// <summary>The group of /dev/fuse's own commands: their second byte.</summary>
    private const uint FuseIoctls = 0xe500, GroupMask = 0xff00;

    /// <summary>CLONE_THREAD: with it clone(2) starts a thread, never a process.</summary>
    private const uint CloneThread = 0x10000;

    /// <summary>PR_SET_NAME, PR_GET_NAME, PR_SET_VMA.</summary>
    private static readonly uint[] s_prctls = [15, 16, 0x53564d41];

    /// <summary>Any O_* that writes, creates or truncates; O_TMPFILE has a bit of its own.</summary>
    private const uint WritingOpens = 0x1 | 0x2 | 0x40 | 0x200 | 0x400000;

    /// <summary>The filter.</summary>
    /// <param name="mode">Default or strict.</param>
    /// <param name="overIoUring">There are rings.</param>
    public static LibC.FilterInstruction[] Build(SandboxMode mode, bool overIoUring)
    {
        var filter = new FilterBuilder(SystemCallNumbers.Audit, SystemCallNumbers.Limit);
        ForEach(s_allowed, filter.AllowCall);
        uint self = (uint)Environment.ProcessId;
        On("tgkill", number => filter.AllowWhen(number, 0, uint.MaxValue, [self], Errno.NotPermitted));
        On("kill", number => filter.AllowWhen(number, 0, uint.MaxValue, [self], Errno.NotPermitted));
        On("clone", number => filter.AllowWhen(number, 0, CloneThread, [CloneThread], Errno.NotPermitted));
        // Its flags are in memory, where no filter can look; the C library then takes clone.
        On("clone3", number => filter.FailCall(number, Errno.NotImplemented));
        // Limits of other processes are not ours to change.
        On("prlimit64", number => filter.AllowWhen(number, 0, uint.MaxValue, [0, self], Errno.NotPermitted));
        // Of our own memory: a copy that may fail.
        On("process_vm_readv", number => filter.AllowWhen(number, 0, uint.MaxValue, [self], Errno.NotPermitted));
        On("process_vm_writev", number => filter.FailCall(number, Errno.NotPermitted));
        On("prctl", number => filter.AllowWhen(number, 0, uint.MaxValue, s_prctls, Errno.NotPermitted));
        On("ioctl", number => AllowIoctls(filter, number));
        // Which files: Landlock says that.
        On("open", number => filter.AllowWithout(number, 1, WritingOpens, Errno.AccessDenied));
        On("openat", number => filter.AllowWithout(number, 2, WritingOpens, Errno.AccessDenied));
        ForEach(s_lookingByName, filter.AllowCall);
        if (overIoUring)
        {
            On("io_uring_enter", filter.AllowCall);
        }
        ForEach(s_changingByName, number => filter.FailCall(number, Errno.NotPermitted));
        ForEach(s_hostile, number =>
        {
            if (mode == SandboxMode.Strict)
            {
                filter.KillOnCall(number);
            }
            else
            {
                filter.FailCall(number, Errno.NotPermitted);
            }
        });
        return filter.Build();
    }

    private static void AllowIoctls(FilterBuilder filter, int number) => filter.AllowIoctl(
        number, FuseIoctls, GroupMask, s_ioctls);

    private static void ForEach(ReadOnlySpan<string> names, Action<int> rule)
    {
        foreach (string name in names)
        {
            On(name, rule);
        }
    }

    private static void On(string name, Action<int> rule)
    {
        if (SystemCallNumbers.Find(name) is int number)
        {
            rule(number);
        }
    }
}
