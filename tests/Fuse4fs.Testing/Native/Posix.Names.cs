using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>Calls that take names.</summary>
public static unsafe partial class Posix
{
    private const uint StatxEverything = 0xFFF;

    /// <summary>statx(2) without following a link, all fields wanted.</summary>
    public static int Stat(HostPath path, out StatxRecord record)
    {
        StatxRecord result = default;
        int outcome;
        fixed (byte* name = path.Terminated)
        {
            outcome = (int)Result(NativeStatx(CurrentDirectory, name, NoFollow, StatxEverything, &result));
        }
        record = result;
        return outcome;
    }

    /// <summary>statfs(2).</summary>
    public static int StatFileSystem(HostPath path, out StatFileSystemRecord record)
    {
        StatFileSystemRecord result = default;
        int outcome;
        fixed (byte* name = path.Terminated)
        {
            outcome = (int)Result(NativeStatFs(name, &result));
        }
        record = result;
        return outcome;
    }

    /// <summary>mkdir(2).</summary>
    public static int MakeDirectory(HostPath path, uint mode)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeMkDir(name, mode));
        }
    }

    /// <summary>mknod(2) with the kernel's encoding of the device number.</summary>
    public static int MakeNode(HostPath path, uint mode, uint major, uint minor)
    {
        ulong device = (minor & 0xFFUL) | ((major & 0xFFFUL) << 8) | ((minor & ~0xFFUL) << 12) | ((major & ~0xFFFUL) << 32);
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeMkNod(name, mode, device));
        }
    }

    /// <summary>symlink(2).</summary>
    public static int MakeSymlink(ReadOnlySpan<byte> target, HostPath path)
    {
        byte[] terminated = [.. target, 0];
        fixed (byte* to = terminated, name = path.Terminated)
        {
            return (int)Result(NativeSymlink(to, name));
        }
    }

    /// <summary>link(2).</summary>
    public static int Link(HostPath existing, HostPath path)
    {
        fixed (byte* old = existing.Terminated, name = path.Terminated)
        {
            return (int)Result(NativeLink(old, name));
        }
    }

    /// <summary>unlink(2).</summary>
    public static int Unlink(HostPath path)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeUnlink(name));
        }
    }

    /// <summary>rmdir(2).</summary>
    public static int RemoveDirectory(HostPath path)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeRmDir(name));
        }
    }

    /// <summary>renameat2(2).</summary>
    public static int Rename(HostPath from, HostPath to, RenameMode flags = RenameMode.Replace)
    {
        fixed (byte* old = from.Terminated, name = to.Terminated)
        {
            return (int)Result(NativeRename(CurrentDirectory, old, CurrentDirectory, name, (uint)flags));
        }
    }

    /// <summary>readlink(2).</summary>
    public static int ReadLink(HostPath path, Span<byte> target)
    {
        fixed (byte* name = path.Terminated, start = target)
        {
            return (int)Result(NativeReadLink(name, start, (nuint)target.Length));
        }
    }

    /// <summary>chmod(2).</summary>
    public static int ChangeMode(HostPath path, uint mode)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeChMod(name, mode));
        }
    }

    /// <summary>lchown(2).</summary>
    public static int ChangeOwner(HostPath path, uint user, uint group)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeLChOwn(name, user, group));
        }
    }

    /// <summary>utimensat(2) on the name itself.</summary>
    public static int ChangeTimes(HostPath path, HostTime access, HostTime modification)
    {
        HostTime* times = stackalloc HostTime[2] { access, modification };
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeUTimeNsAt(CurrentDirectory, name, times, NoFollow));
        }
    }

    /// <summary>truncate(2).</summary>
    public static int Truncate(HostPath path, long length)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeTruncate(name, length));
        }
    }

    /// <summary>access(2).</summary>
    public static int Access(HostPath path, int mode)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeAccess(name, mode));
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int NativeStatx(int at, byte* path, int flags, uint mask, StatxRecord* record);

    [LibraryImport("libc", EntryPoint = "statfs64", SetLastError = true)]
    private static partial int NativeStatFs(byte* path, StatFileSystemRecord* record);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true)]
    private static partial int NativeMkDir(byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "mknod", SetLastError = true)]
    private static partial int NativeMkNod(byte* path, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true)]
    private static partial int NativeSymlink(byte* target, byte* path);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true)]
    private static partial int NativeLink(byte* existing, byte* path);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true)]
    private static partial int NativeUnlink(byte* path);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true)]
    private static partial int NativeRmDir(byte* path);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true)]
    private static partial int NativeRename(int fromAt, byte* from, int toAt, byte* to, uint flags);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true)]
    private static partial nint NativeReadLink(byte* path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    private static partial int NativeChMod(byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true)]
    private static partial int NativeLChOwn(byte* path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true)]
    private static partial int NativeUTimeNsAt(int at, byte* path, HostTime* times, int flags);

    [LibraryImport("libc", EntryPoint = "truncate64", SetLastError = true)]
    private static partial int NativeTruncate(byte* path, long length);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true)]
    private static partial int NativeAccess(byte* path, int mode);
}
