using System.Runtime.InteropServices;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Error numbers in words.</summary>
internal static class ErrnoText
{
    /// <summary>As strerror(3) has it.</summary>
    public static string Of(Errno error) => Marshal.GetPInvokeErrorMessage((int)error);
}
