using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Fuse4fs.Server.Sandbox;

namespace Fuse4fs.SandboxProbe;

/// <summary>A process that seals itself as a server does and then tries something: MODE CALL makes a system call and
/// prints its error number, MODE work does what a runtime does all the time.</summary>
internal static unsafe partial class Program
{
    private const int PathBytes = 64;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    private static int Main(string[] arguments)
    {
        SandboxMode mode = Enum.Parse<SandboxMode>(arguments[0], ignoreCase: true);
        using FileStream open = File.Create(Path.Combine(Path.GetTempPath(), $"fuse4fs-probe-{Environment.ProcessId}"), 4096,
            FileOptions.DeleteOnClose);
        File.Delete(open.Name);
        Console.Out.Flush();
        using Stream output = Console.OpenStandardOutput();
        // Threads of before have to be sealed as well.
        using var idle = new SemaphoreSlim(0);
        using var asked = new SemaphoreSlim(0);
        string? answer = null;
        var earlier = new Thread(() =>
        {
            idle.Wait();
            answer = arguments[1] == "work" ? "" : Try(arguments[1]);
            asked.Release();
        });
        earlier.Start();
        List<string> missing = Seal.Apply(mode, overIoUring: false);
        if (missing.Count > 0)
        {
            output.Write(Encoding.UTF8.GetBytes($"not sealed: {string.Join("; ", missing)}\n"));
            return 3;
        }
        idle.Release();
        asked.Wait();
        string own = arguments[1] == "work" ? Work(open) : Try(arguments[1]);
        output.Write(Encoding.UTF8.GetBytes($"{own} {answer}\n"));
        return 0;
    }

    private static string Try(string name)
    {
        byte* path = stackalloc byte[PathBytes];
        byte* other = stackalloc byte[PathBytes];
        Put(path, "/etc/hostname");
        Put(other, "/bin/true");
        nint program = (nint)other;
        const nint here = -100;
        const int local = 1;
        (nint, nint, nint, nint) given = name switch
        {
            "execve" => (program, 0, 0, 0),
            "execveat" => (here, program, 0, 0),
            "openat" => (here, (nint)path, 0, 0),
            "open" => ((nint)path, 0, 0, 0),
            "openat-write" => (here, (nint)path, 1, 0),
            "openat-system" => (here, (nint)Put(path, "/sys/devices/system/cpu/possible"), 0, 0),
            "socket" => (local, local, 0, 0),
            "fork" or "vfork" => (0, 0, 0, 0),
            "clone" => (17, 0, 0, 0),       // SIGCHLD: a process
            "kill" or "tgkill" => (1, 1, 0, 0),
            "ptrace" => (16, 1, 0, 0),      // PTRACE_ATTACH
            "unshare" => (0x10000000, 0, 0, 0),
            "umount2" => ((nint)path, 0, 0, 0),
            "mount" => ((nint)path, (nint)path, 0, 0),
            "unlink" => ((nint)Put(path, "/tmp/fuse4fs-no-such-file"), 0, 0, 0),
            "rename" => ((nint)path, program, 0, 0),
            "ioctl" => (0, 0x5412, (nint)path, 0),      // TIOCSTI
            "prctl" => (4, 1, 0, 0),        // PR_SET_DUMPABLE
            _ => (0, 0, 0, 0),
        };
        nint result = Call(SystemCallNumbers.Find(name.Split('-')[0])!.Value, given.Item1, given.Item2, given.Item3,
            given.Item4, 0);
        int error = result < 0 ? Marshal.GetLastPInvokeError() : 0;
        return error.ToString(CultureInfo.InvariantCulture);
    }

    private static byte* Put(byte* to, string text)
    {
        new Span<byte>(to, PathBytes).Clear();
        Encoding.ASCII.GetBytes(text, new Span<byte>(to, PathBytes));
        return to;
    }

    /// <summary>Collects garbage, grows the heap, starts threads, compiles methods, throws, waits, reads and
    /// writes.</summary>
    private static string Work(FileStream open)
    {
        var kept = new List<byte[]>();
        for (int i = 0; i < 2000; i++)
        {
            kept.Add(new byte[50_000]);
            if (i % 100 == 0)
            {
                kept.RemoveRange(0, kept.Count / 2);
                GC.Collect(i % 300 == 0 ? 2 : 0);
            }
        }
        var threads = Enumerable.Range(0, 20).Select(number => new Thread(() => Throw(number))).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        Task<int>[] tasks = [.. Enumerable.Range(0, 50).Select(number => Task.Run(() => number * 2))];
        long sum = Task.WhenAll(tasks).GetAwaiter().GetResult().Sum();
        Task.Delay(20).GetAwaiter().GetResult();
        open.Write(new byte[100_000]);
        open.Flush(flushToDisk: true);
        open.Position = 0;
        sum += open.ReadByte() + Compiled(20);
        string text = string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:O} {Guid.NewGuid()} {Random.Shared.Next()}");
        var sorted = new SortedDictionary<string, int>(StringComparer.Ordinal) { [text] = 1, ["worked"] = (int)sum };
        return sorted.ContainsKey("worked") ? "worked" : "lost";
    }

    /// <summary>Called often enough to be compiled again.</summary>
    private static int Compiled(int depth)
    {
        int sum = 0;
        for (int i = 0; i < 200_000; i++)
        {
            sum ^= (i * depth) + HashCode.Combine(i, depth);
        }
        return sum & 1;
    }

    private static void Throw(int number)
    {
        try
        {
            _ = new Dictionary<int, string>()[number];
        }
        catch (KeyNotFoundException missing)
        {
            _ = missing.ToString();
        }
    }
}
