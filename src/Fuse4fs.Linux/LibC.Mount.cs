using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>MNT_DETACH of umount2(2): gone from the tree at once, from the kernel with its last user.</summary>
    public const int UnmountDetach = 2;

    /// <summary>UMOUNT_NOFOLLOW of umount2(2).</summary>
    public const int UnmountNoFollow = 8;

    [LibraryImport(Library, EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string type, MountFlags flags, string data);

    [LibraryImport(Library, EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string target, int flags);

    [LibraryImport(Library, EntryPoint = "getuid", SetLastError = true)]
    public static partial uint GetUid();

    [LibraryImport(Library, EntryPoint = "geteuid", SetLastError = true)]
    public static partial uint GetEffectiveUid();

    [LibraryImport(Library, EntryPoint = "getgid", SetLastError = true)]
    public static partial uint GetGid();

    [LibraryImport(Library, EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte* RealPath(string path, byte* resolved);

    /// <summary>realpath(3): absolute, without symbolic links.</summary>
    /// <returns>Null on failure, see <see cref="LastError"/>.</returns>
    public static string? RealPath(string path)
    {
        const int pathMax = 4096;
        byte* buffer = stackalloc byte[pathMax];
        return RealPath(path, buffer) is null ? null : Marshal.PtrToStringUTF8((nint)buffer);
    }
}
