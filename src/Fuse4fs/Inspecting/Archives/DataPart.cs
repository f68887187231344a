namespace Fuse4fs.Inspecting.Archives;

/// <summary>A stretch of a file that is not a hole.</summary>
/// <param name="Offset">First byte in the file.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct DataPart(long Offset, long Length);
