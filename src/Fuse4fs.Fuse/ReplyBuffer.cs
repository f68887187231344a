using System.Runtime.InteropServices;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>The memory a worker builds its replies in: a page whose end is the header, then the payload, page-aligned;
/// and room for the list of pieces.</summary>
public sealed unsafe class ReplyBuffer : IDisposable
{
    /// <summary>sizeof(struct fuse_out_header).</summary>
    public const int HeaderBytes = 16;

    private const int PageBytes = 4096;

    private readonly bool _ownsMemory = true;
    private byte* _memory;

    /// <param name="payloadBytes">Largest reply built in the buffer.</param>
    /// <param name="maxPieces">Largest number of pieces of a reply; the kernel takes 1024. 0: a reply is all in one
    /// piece, memory elsewhere is copied.</param>
    public ReplyBuffer(int payloadBytes, int maxPieces = 512)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(payloadBytes, PageBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxPieces, 1024);
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(PageBytes + payloadBytes), PageBytes);
        PayloadBytes = payloadBytes;
        Pieces = GC.AllocateArray<IoVector>(maxPieces, pinned: true);
    }

    /// <summary>For memory of somebody else: a page, then the payload. Replies are all in one piece.</summary>
    internal ReplyBuffer(byte* memory, int payloadBytes)
    {
        _ownsMemory = false;
        _memory = memory;
        PayloadBytes = payloadBytes;
        Pieces = [];
    }

    /// <summary>Frees the memory of a buffer that was not disposed of.</summary>
    ~ReplyBuffer() => Free();

    internal byte* Header => _memory + PageBytes - HeaderBytes;

    internal byte* Payload => _memory + PageBytes;

    internal int PayloadBytes { get; }

    internal IoVector[] Pieces { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_ownsMemory)
        {
            NativeMemory.AlignedFree(_memory);
        }
        _memory = null;
    }
}
