using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Spawn(
        int* pid, string path, void* fileActions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addclose")]
    private static partial int SpawnActionsAddClose(void* actions, int descriptor);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SpawnActionsAddOpen(void* actions, int descriptor, string path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "setsid")]
    private static partial int SetSession();

    /// <summary>Puts this process into a session of its own, so that signals of its starter's terminal do not reach it. It
    /// stays where it is when it leads a group already.</summary>
    public static void LeaveSession() => _ = SetSession();

    /// <summary>Starts a program with standard input and output on /dev/null.</summary>
    /// <param name="path">The program's file.</param>
    /// <param name="arguments">The first one is the name it is called by.</param>
    /// <param name="environment">NAME=value, all of it.</param>
    /// <param name="standardError">Becomes the child's standard error.</param>
    /// <param name="closed">Descriptors the child must not have although they survive exec.</param>
    /// <param name="pid">The child.</param>
    public static Errno TrySpawnDetached(
        string path,
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        FileDescriptor standardError,
        IReadOnlyList<int> closed,
        out int pid)
    {
        byte* actions = stackalloc byte[FileActionsBytes];
        byte** arg = ToVector(arguments);
        byte** env = ToVector(environment);
        int child = 0;
        _ = SpawnActionsInitialize(actions);
        try
        {
            _ = SpawnActionsAddOpen(actions, 0, "/dev/null", (int)OpenFlags.ReadOnly, 0);
            _ = SpawnActionsAddOpen(actions, 1, "/dev/null", (int)OpenFlags.WriteOnly, 0);
            foreach (int descriptor in closed)
            {
                _ = SpawnActionsAddClose(actions, descriptor);
            }
            _ = SpawnActionsAddDuplicate(actions, standardError.Number, 2);
            return (Errno)Spawn(&child, path, actions, null, arg, env);
        }
        finally
        {
            pid = child;
            _ = SpawnActionsDestroy(actions);
            FreeVector(arg);
            FreeVector(env);
            GC.KeepAlive(standardError);
        }
    }
}
