using Fuse4fs.Testing.Native;

namespace Fuse4fs.Testing.Images;

/// <summary>A file open for writing, created when missing.</summary>
public sealed class OpenedFile : IDisposable
{
    private readonly HostPath _path;

    /// <summary>Opens it.</summary>
    public OpenedFile(HostPath path)
    {
        _path = path;
        Descriptor = (int)FillTarget.Require(
            Posix.Open(path, OpenMode.ReadWrite | OpenMode.Create, 0x1A4), "open", path);
    }

    /// <summary>The descriptor's number.</summary>
    public int Descriptor { get; }

    /// <summary>Writes all bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            int length = (int)FillTarget.Require(Posix.Write(Descriptor, bytes, offset), "write", _path);
            bytes = bytes[length..];
            offset += length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Posix.Close(Descriptor);
}
