using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Devices;

/// <summary>Fails where and when it is told to.</summary>
public sealed class FaultyStorage(IBlockStorage inner) : IBlockStorage
{
    /// <summary>Given the byte offset and length: what a read fails with.</summary>
    public Func<long, int, Errno>? OnRead { get; set; }

    /// <inheritdoc cref="OnRead"/>
    public Func<long, int, Errno>? OnWrite { get; set; }

    /// <summary>The device was pulled out.</summary>
    public bool IsGone { get; set; }

    public long LengthBytes => IsGone ? 0 : inner.LengthBytes;

    public int SectorBytes => inner.SectorBytes;

    public bool WritesAtomically => inner.WritesAtomically;

    public Errno Read(long offset, Span<byte> target)
    {
        Errno error = IsGone ? Errno.EIO : OnRead?.Invoke(offset, target.Length) ?? Errno.Ok;
        return error != Errno.Ok ? error : inner.Read(offset, target);
    }

    public Errno Write(long offset, ReadOnlySpan<byte> source)
    {
        Errno error = IsGone ? Errno.EIO : OnWrite?.Invoke(offset, source.Length) ?? Errno.Ok;
        return error != Errno.Ok ? error : inner.Write(offset, source);
    }

    public Errno Flush() => IsGone ? Errno.EIO : inner.Flush();
}
