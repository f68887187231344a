using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>What stands behind a request's header, piece by piece.</summary>
internal sealed class RequestBody
{
    private readonly List<byte> _bytes = [];

    /// <summary>What request is about; filled in by whoever makes the body.</summary>
    public ulong Node { get; set; }

    /// <summary>All of it.</summary>
    public byte[] ToArray() => [.. _bytes];

    /// <summary>A structure of the wire.</summary>
    public RequestBody Add<T>(in T structure)
        where T : unmanaged
    {
        _bytes.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in structure)));
        return this;
    }

    /// <summary>A number.</summary>
    public RequestBody AddWord(uint word)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>A number.</summary>
    public RequestBody AddLong(ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>A name, a byte a character, with the zero behind it.</summary>
    public RequestBody AddName(string name)
    {
        _bytes.AddRange(Encoding.Latin1.GetBytes(name));
        _bytes.Add(0);
        return this;
    }

    /// <summary>Data.</summary>
    public RequestBody AddBytes(ReadOnlySpan<byte> data)
    {
        _bytes.AddRange(data);
        return this;
    }
}
