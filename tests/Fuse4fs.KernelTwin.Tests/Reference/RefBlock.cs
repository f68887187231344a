namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>One block of a file.</summary>
/// <param name="Device">Block on the device; -1: only reserved.</param>
/// <param name="IsWritten">Reads as what is there, not as zero.</param>
internal readonly record struct RefBlock(long Device, bool IsWritten)
{
    public bool IsReserved => Device < 0;
}
