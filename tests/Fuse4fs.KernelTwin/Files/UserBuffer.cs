namespace Fuse4fs.KernelTwin.Files;

/// <summary>Memory of the calling process.</summary>
/// <param name="Data">What a write takes.</param>
/// <param name="Readable">Bytes before the first page that is not mapped.</param>
/// <param name="Misalignment">Distance of its address from a sector's multiple.</param>
public sealed record UserBuffer(ReadOnlyMemory<byte> Data, int Readable, int Misalignment = 0)
{
    public UserBuffer(ReadOnlyMemory<byte> data)
        : this(data, data.Length)
    {
    }
}
