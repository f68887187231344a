using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>The memory a worker reads requests into, placed so that the data of a WRITE starts on a page boundary and
/// can go to a device by direct I/O.</summary>
internal sealed unsafe class RequestBuffer : IDisposable
{
    private const int PageBytes = 4096;

    private readonly int _length;
    private byte* _memory;

    /// <param name="maxWriteBytes">Most data in a WRITE.</param>
    public RequestBuffer(int maxWriteBytes)
    {
        int before = Unsafe.SizeOf<InHeader>() + Unsafe.SizeOf<WriteIn>();
        _length = before + maxWriteBytes + PageBytes;
        Skipped = PageBytes - before;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(Skipped + _length), PageBytes);
    }

    ~RequestBuffer() => Free();

    /// <summary>Where a request goes.</summary>
    public Span<byte> Bytes => new(_memory + Skipped, _length);

    private int Skipped { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
