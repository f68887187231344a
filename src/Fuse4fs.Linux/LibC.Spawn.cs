using System.Runtime.InteropServices;
using System.Text;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>More than sizeof(posix_spawn_file_actions_t) of any libc.</summary>
    private const int FileActionsBytes = 256;

    [LibraryImport(Library, EntryPoint = "posix_spawnp", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SpawnFromPath(
        int* pid, string file, void* fileActions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int SpawnActionsInitialize(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int SpawnActionsAddDuplicate(void* actions, int descriptor, int target);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int SpawnActionsDestroy(void* actions);

    [LibraryImport(Library, EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitPid(int pid, int* status, int options);

    /// <summary>Starts a program found by PATH, without forking this process's memory.</summary>
    /// <param name="arguments">The first one is the program.</param>
    /// <param name="environment">NAME=value, all of it.</param>
    /// <param name="inherited">Stays open in the child under its own number.</param>
    /// <param name="standardError">Becomes the child's standard error.</param>
    /// <param name="pid">The child.</param>
    public static Errno TrySpawn(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        FileDescriptor inherited,
        FileDescriptor standardError,
        out int pid)
    {
        byte* actions = stackalloc byte[FileActionsBytes];
        byte** arg = ToVector(arguments);
        byte** env = ToVector(environment);
        int child = 0;
        try
        {
            _ = SpawnActionsInitialize(actions);
            // Duplicating a descriptor onto itself takes away its close-on-exec flag, in the child alone.
            _ = SpawnActionsAddDuplicate(actions, inherited.Number, inherited.Number);
            _ = SpawnActionsAddDuplicate(actions, standardError.Number, 2);
            return (Errno)SpawnFromPath(&child, arguments[0], actions, null, arg, env);
        }
        finally
        {
            pid = child;
            _ = SpawnActionsDestroy(actions);
            FreeVector(arg);
            FreeVector(env);
            GC.KeepAlive(inherited);
            GC.KeepAlive(standardError);
        }
    }

    /// <summary>Waits for a child.</summary>
    /// <returns>Its exit code; 128 + n when signal n ended it; -1 when it cannot be waited for.</returns>
    public static int WaitForExit(int pid)
    {
        int status;
        while (WaitPid(pid, &status, 0) < 0)
        {
            if (LastError != Errno.Interrupted)
            {
                return -1;
            }
        }
        int signal = status & 0x7F;
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal;
    }

    private static byte** ToVector(IReadOnlyList<string> strings)
    {
        byte** vector = (byte**)NativeMemory.AllocZeroed((nuint)strings.Count + 1, (nuint)sizeof(byte*));
        for (int i = 0; i < strings.Count; i++)
        {
            int length = Encoding.UTF8.GetByteCount(strings[i]);
            vector[i] = (byte*)NativeMemory.Alloc((nuint)length + 1);
            Encoding.UTF8.GetBytes(strings[i], new Span<byte>(vector[i], length));
            vector[i][length] = 0;
        }
        return vector;
    }

    private static void FreeVector(byte** vector)
    {
        for (byte** next = vector; *next is not null; next++)
        {
            NativeMemory.Free(*next);
        }
        NativeMemory.Free(vector);
    }
}
