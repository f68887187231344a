namespace Fuse4fs.Inspecting.Output;

/// <summary>UUIDs in the usual form; the volume keeps them as big-endian bytes.</summary>
internal static class UuidText
{
    public static string Of(ReadOnlySpan<byte> uuid) => new Guid(uuid, bigEndian: true).ToString("D");
}
