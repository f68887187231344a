using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>Cursor over the body of one request. Never throws and never reads past the end: whatever does not fit
/// gives false, and the handler answers <c>Errno.Invalid</c>.</summary>
/// <remarks>What it hands out lies in the worker's buffer and is gone when the handler returns.</remarks>
public ref struct RequestReader
{
    private readonly ReadOnlySpan<byte> _extensions;
    private ReadOnlySpan<byte> _rest;

    /// <param name="body">All after the header, without extensions.</param>
    /// <param name="extensions">The extensions at the end of the request, often none.</param>
    public RequestReader(ReadOnlySpan<byte> body, ReadOnlySpan<byte> extensions = default)
    {
        _rest = body;
        _extensions = extensions;
    }

    /// <summary>All that has not been taken yet: the data of a WRITE, the value of a SETXATTR.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>Takes the next structure. The kernel may send a longer request than we know, never a shorter one.</summary>
    public bool TryTake<T>(out T value) where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(_rest, out value))
        {
            return false;
        }
        _rest = _rest[Unsafe.SizeOf<T>()..];
        return true;
    }

    /// <summary>Takes the first <paramref name="lengthBytes"/> bytes of a structure that older kernels, or kernels
    /// without some capability, send shorter; the rest of it is zero.</summary>
    public bool TryTakeShort<T>(int lengthBytes, out T value) where T : unmanaged
    {
        value = default;
        if (_rest.Length < lengthBytes || lengthBytes > Unsafe.SizeOf<T>())
        {
            return false;
        }
        _rest[..lengthBytes].CopyTo(MemoryMarshal.AsBytes(new Span<T>(ref value)));
        _rest = _rest[lengthBytes..];
        return true;
    }

    /// <summary>Takes a string that ends in NUL.</summary>
    /// <param name="name">Without the NUL; never empty; up to 1024 bytes reach a server, so a limit is its own.</param>
    public bool TryTakeName(out ReadOnlySpan<byte> name)
    {
        int length = _rest.IndexOf((byte)0);
        if (length <= 0)
        {
            name = default;
            return false;
        }
        name = _rest[..length];
        _rest = _rest[(length + 1)..];
        return true;
    }

    /// <summary>Takes exactly this many bytes.</summary>
    public bool TryTakeBytes(uint lengthBytes, out ReadOnlySpan<byte> bytes)
    {
        if (lengthBytes > (uint)_rest.Length)
        {
            bytes = default;
            return false;
        }
        bytes = _rest[..(int)lengthBytes];
        _rest = _rest[(int)lengthBytes..];
        return true;
    }

    /// <summary>The whole request once more. Nothing was taken yet.</summary>
    internal readonly byte[] ToMessage(in InHeader header)
    {
        int headerBytes = Unsafe.SizeOf<InHeader>();
        byte[] message = new byte[headerBytes + _rest.Length + _extensions.Length];
        MemoryMarshal.Write(message, in header);
        _rest.CopyTo(message.AsSpan(headerBytes));
        _extensions.CopyTo(message.AsSpan(headerBytes + _rest.Length));
        return message;
    }

    /// <summary>With <see cref="InitFlags.CreateSupplementaryGroup"/>: the group of the caller, beside its own, that
    /// equals the directory's group.</summary>
    /// <returns>False when no such extension was sent (the caller is in no such group) or it is malformed.</returns>
    public readonly bool TryGetSupplementaryGroup(out uint gid)
    {
        ReadOnlySpan<byte> rest = _extensions;
        while (MemoryMarshal.TryRead(rest, out ExtensionHeader header))
        {
            const int headerBytes = 8;
            if (header.Size < headerBytes || header.Size > (uint)rest.Length)
            {
                break;
            }
            ReadOnlySpan<byte> payload = rest[headerBytes..(int)header.Size];
            if (header.Type == ExtensionHeader.SupplementaryGroups
                && MemoryMarshal.TryRead(payload, out uint count) && count > 0
                && MemoryMarshal.TryRead(payload[sizeof(uint)..], out gid))
            {
                return true;
            }
            int next = (int)Math.Min(((ulong)header.Size + 7) & ~7UL, (ulong)rest.Length);
            rest = rest[next..];
        }
        gid = 0;
        return false;
    }
}
