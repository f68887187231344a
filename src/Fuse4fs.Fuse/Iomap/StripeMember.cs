namespace Fuse4fs.Fuse.Iomap;

/// <summary>One device of a stripe set.</summary>
/// <param name="Device">Registered before.</param>
/// <param name="Address">Where on it the set begins, bytes; a multiple of the block size.</param>
public readonly record struct StripeMember(BackingId Device, long Address);
