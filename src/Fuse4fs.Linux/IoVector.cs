using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>struct iovec: one piece of a vectored read or write.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct IoVector
{
    /// <summary>iov_base.</summary>
    public void* Base;

    /// <summary>iov_len, bytes.</summary>
    public nuint Length;
}
