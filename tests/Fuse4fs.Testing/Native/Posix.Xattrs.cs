using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>Extended attributes, never through a symbolic link.</summary>
public static unsafe partial class Posix
{
    /// <summary>lsetxattr(2). Flags: 1 create, 2 replace.</summary>
    public static int SetXattr(HostPath path, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value, int flags = 0)
    {
        byte[] terminated = [.. attribute, 0];
        fixed (byte* name = path.Terminated, key = terminated, start = value)
        {
            return (int)Result(NativeSetXattr(name, key, start, (nuint)value.Length, flags));
        }
    }

    /// <summary>lgetxattr(2).</summary>
    public static int GetXattr(HostPath path, ReadOnlySpan<byte> attribute, Span<byte> value)
    {
        byte[] terminated = [.. attribute, 0];
        fixed (byte* name = path.Terminated, key = terminated, start = value)
        {
            return (int)Result(NativeGetXattr(name, key, start, (nuint)value.Length));
        }
    }

    /// <summary>llistxattr(2).</summary>
    public static int ListXattr(HostPath path, Span<byte> list)
    {
        fixed (byte* name = path.Terminated, start = list)
        {
            return (int)Result(NativeListXattr(name, start, (nuint)list.Length));
        }
    }

    /// <summary>lremovexattr(2).</summary>
    public static int RemoveXattr(HostPath path, ReadOnlySpan<byte> attribute)
    {
        byte[] terminated = [.. attribute, 0];
        fixed (byte* name = path.Terminated, key = terminated)
        {
            return (int)Result(NativeRemoveXattr(name, key));
        }
    }

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true)]
    private static partial int NativeSetXattr(byte* path, byte* name, byte* value, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true)]
    private static partial nint NativeGetXattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true)]
    private static partial nint NativeListXattr(byte* path, byte* list, nuint size);

    [LibraryImport("libc", EntryPoint = "lremovexattr", SetLastError = true)]
    private static partial int NativeRemoveXattr(byte* path, byte* name);
}
