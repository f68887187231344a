using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>IOMAP_IOEND, decoded and checked: I/O has reached the device, or failed.</summary>
/// <remarks>Where it went is to be looked up by its place in the file: what the kernel says of device and address is not
/// dependable.</remarks>
/// <param name="File">The file.</param>
/// <param name="Flags">What kind of I/O.</param>
/// <param name="Error">Ok, or why it failed: then nothing is written or grown, whatever else is said.</param>
/// <param name="Offset">First byte.</param>
/// <param name="Written">Bytes, exact to the byte at the end of a file; after an error what was attempted.</param>
/// <param name="Uid">As in <see cref="BeginRequest"/>.</param>
public readonly record struct IoEndRequest(
    FileIdentity File, IoEndFlags Flags, Errno Error, long Offset, long Written, uint Uid)
{
    /// <summary>The byte after the last.</summary>
    public long End => Offset + Written;

    /// <summary>Whether all of these flags are set.</summary>
    public bool Has(IoEndFlags flags) => (Flags & flags) == flags;
}
