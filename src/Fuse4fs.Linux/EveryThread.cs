using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>Makes one system call in every thread of this process: capabilities and Landlock domains are each thread's
/// own, and the runtime's threads are not ours to start again. Each thread gets a signal, whose handler is a few
/// instructions of machine code that make the call. This is how libpsx does it.</summary>
/// <remarks>Only for x86-64. Threads that are started meanwhile inherit from one that has done it or are found by the next
/// look.</remarks>
public static unsafe class EveryThread
{
    /// <summary>A real-time signal that neither libc nor the runtime uses.</summary>
    private const int Signal = 60;

    private const int PageBytes = 4096;
    private const int ReadWrite = 3, ReadExecute = 5;
    private const int PrivateAnonymous = 0x22;
    private const int RestartFlag = 0x10000000;

    /// <summary>PF_IO_WORKER of /proc/ID/stat: a thread of the kernel's for io_uring. It takes no signal, executes nothing
    /// of ours, and acts with the rights of whoever submitted.</summary>
    private const uint IoWorkerFlag = 0x10;

    private const string TaskFolder = "/proc/self/task";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>mov r9, call; mov rax, [r9]; mov rdi, [r9+8]; mov rsi, [r9+16]; mov rdx, [r9+24]; mov r10, [r9+32];
    /// xor r8d, r8d; syscall; test rax, rax; jns +4; mov [r9+40], rax; lock inc dword [r9+48]; ret.</summary>
    private static ReadOnlySpan<byte> Code =>
    [
        0x49, 0xB9, 0, 0, 0, 0, 0, 0, 0, 0,
        0x49, 0x8B, 0x01,
        0x49, 0x8B, 0x79, 0x08,
        0x49, 0x8B, 0x71, 0x10,
        0x49, 0x8B, 0x51, 0x18,
        0x4D, 0x8B, 0x51, 0x20,
        0x45, 0x31, 0xC0,
        0x0F, 0x05,
        0x48, 0x85, 0xC0,
        0x79, 0x04,
        0x49, 0x89, 0x41, 0x28,
        0xF0, 0x41, 0xFF, 0x41, 0x30,
        0xC3,
    ];

    /// <summary>Where the address of the <see cref="Call"/> stands in <see cref="Code"/>.</summary>
    private const int AddressOffset = 2;

    /// <summary>What the handler does, and what came of it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Call
    {
        public nint Number;
        public nuint First;
        public nuint Second;
        public nuint Third;
        public nuint Fourth;
        public nint Failure;
        public int Done;
    }

    /// <summary>Whether it can be done on this machine.</summary>
    public static bool IsPossible => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Makes a call in all threads.</summary>
    /// <returns>Ok when it succeeded in every one; TimedOut when a thread does not take the signal; some threads may have
    /// made it nevertheless.</returns>
    public static Errno Run(nint number, nuint first, nuint second, nuint third = 0, nuint fourth = 0)
    {
        if (!IsPossible || !Directory.Exists(TaskFolder))
        {
            return Errno.NotSupported;
        }
        byte* page = LibC.MapAnonymous(PageBytes, ReadWrite, PrivateAnonymous);
        Call* call = (Call*)LibC.MapAnonymous(PageBytes, ReadWrite, PrivateAnonymous);
        if (page is null || call is null)
        {
            return Errno.NoMemory;
        }
        *call = new Call { Number = number, First = first, Second = second, Third = third, Fourth = fourth };
        var code = new Span<byte>(page, PageBytes);
        Code.CopyTo(code);
        BinaryPrimitives.WriteUInt64LittleEndian(code[AddressOffset..], (ulong)call);
        Errno error = LibC.ProtectMemory(page, PageBytes, ReadExecute) == 0 ? Errno.Ok : LibC.LastError;
        if (error == Errno.Ok)
        {
            error = LibC.HandleSignal(Signal, page, RestartFlag);
        }
        if (error == Errno.Ok)
        {
            error = Send(call);
            _ = LibC.HandleSignal(Signal, (void*)1, 0);     // ignored: a late one must not find the code gone
        }
        if (error != Errno.TimedOut)
        {
            LibC.UnmapMemory(page, PageBytes);
            LibC.UnmapMemory((byte*)call, PageBytes);
        }
        return error;
    }

    /// <summary>One thread after the other, until a look finds none that has not done it.</summary>
    private static Errno Send(Call* call)
    {
        int process = Environment.ProcessId;
        var done = new HashSet<int>();
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            List<int> threads = Threads();
            if (threads.TrueForAll(done.Contains))
            {
                return call->Failure == 0 ? Errno.Ok : (Errno)(-call->Failure);
            }
            foreach (int thread in threads.Where(done.Add))
            {
                int before = Volatile.Read(ref call->Done);
                Errno error = LibC.SignalThread(process, thread, Signal);
                if (error == Errno.Ok && !IsDone(call, before, thread, start))
                {
                    return Errno.TimedOut;
                }
                if (error is not (Errno.Ok or Errno.NoProcess))
                {
                    return error;
                }
            }
        }
    }

    private static bool IsDone(Call* call, int before, int thread, long start)
    {
        for (int looks = 0; Volatile.Read(ref call->Done) == before; looks++)
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
            {
                return false;
            }
            if (looks % 64 == 63 && FlagsOf(thread) is null or IoWorkerFlag)
            {
                return true;
            }
            Thread.Sleep(0);
        }
        return true;
    }

    private static List<int> Threads() => [.. Directory.EnumerateDirectories(TaskFolder)
        .Select(static path => int.Parse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture))
        .Where(static thread => FlagsOf(thread) is not IoWorkerFlag)];

    /// <summary><see cref="IoWorkerFlag"/> or nothing of interest; null for a thread that has ended.</summary>
    private static uint? FlagsOf(int thread)
    {
        const int flagsBehindName = 6;
        try
        {
            string line = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"{TaskFolder}/{thread}/stat"));
            string[] fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            return uint.Parse(fields[flagsBehindName], CultureInfo.InvariantCulture) & IoWorkerFlag;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
