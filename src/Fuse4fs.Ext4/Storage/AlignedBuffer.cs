using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Memory outside the heap that starts at a page: what a device can be read into without its page cache.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    /// <summary>Enough for every device: the kernel asks for the logical sector at most.</summary>
    public const int AlignmentBytes = 4096;

    private byte* _start;

    public AlignedBuffer(int lengthBytes)
    {
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)lengthBytes, AlignmentBytes);
        LengthBytes = lengthBytes;
    }

    ~AlignedBuffer() => Free();

    public int LengthBytes { get; }

    public byte* Start => _start;

    public Span<byte> Bytes => new(_start, LengthBytes);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
