using System.Collections;
using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>POSIX_SPAWN_SETSID: the child starts a session of its own.</summary>
    private const short SpawnSetSession = 0x80;

    /// <summary>More than sizeof(posix_spawnattr_t) of any libc.</summary>
    private const int SpawnAttributesBytes = 512;

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    private static partial int SpawnAttributesInitialize(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    private static partial int SpawnAttributesDestroy(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    private static partial int SpawnAttributesSetFlags(void* attributes, short flags);

    /// <summary>Starts a program in a session of its own, so that signals for our process group pass it by, with a socket
    /// as standard input and output. It has our environment.</summary>
    /// <param name="path">The program's file.</param>
    /// <param name="arguments">The first one is the name it is called by.</param>
    /// <param name="socket">Its side of a socket pair.</param>
    public static Errno TrySpawnHelper(string path, IReadOnlyList<string> arguments, FileDescriptor socket)
    {
        byte* actions = stackalloc byte[FileActionsBytes];
        byte* attributes = stackalloc byte[SpawnAttributesBytes];
        var environment = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            environment.Add($"{variable.Key}={variable.Value}");
        }
        byte** arg = ToVector(arguments);
        byte** env = ToVector(environment);
        int child;
        _ = SpawnActionsInitialize(actions);
        _ = SpawnAttributesInitialize(attributes);
        try
        {
            _ = SpawnAttributesSetFlags(attributes, SpawnSetSession);
            _ = SpawnActionsAddDuplicate(actions, socket.Number, 0);
            _ = SpawnActionsAddDuplicate(actions, socket.Number, 1);
            _ = SpawnActionsAddOpen(actions, 2, "/dev/null", (int)OpenFlags.WriteOnly, 0);
            return (Errno)Spawn(&child, path, actions, attributes, arg, env);
        }
        finally
        {
            _ = SpawnActionsDestroy(actions);
            _ = SpawnAttributesDestroy(attributes);
            FreeVector(arg);
            FreeVector(env);
            GC.KeepAlive(socket);
        }
    }
}
