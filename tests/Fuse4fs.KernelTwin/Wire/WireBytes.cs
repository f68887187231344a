using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Turns the wire's structs into bytes and back. Host byte order, natural alignment.</summary>
public static class WireBytes
{
    /// <summary>The struct's bytes, followed by data that already is bytes.</summary>
    public static byte[] Of<T>(in T value, params ReadOnlySpan<byte[]> more) where T : unmanaged
    {
        int length = Unsafe.SizeOf<T>();
        foreach (byte[] part in more)
        {
            length += part.Length;
        }
        byte[] all = new byte[length];
        MemoryMarshal.Write(all, in value);
        int at = Unsafe.SizeOf<T>();
        foreach (byte[] part in more)
        {
            part.CopyTo(all, at);
            at += part.Length;
        }
        return all;
    }

    /// <summary>The struct at an offset; bytes that are missing count as zero.</summary>
    public static T Read<T>(ReadOnlySpan<byte> bytes, int offset = 0) where T : unmanaged
    {
        T value = default;
        Span<byte> target = MemoryMarshal.AsBytes(new Span<T>(ref value));
        ReadOnlySpan<byte> source = offset < bytes.Length ? bytes[offset..] : default;
        source[..Math.Min(source.Length, target.Length)].CopyTo(target);
        return value;
    }

    public static int SizeOf<T>() where T : unmanaged => Unsafe.SizeOf<T>();

    /// <summary>A name as requests carry it: its bytes and a zero.</summary>
    public static byte[] Name(string name)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(name) + 1];
        Encoding.UTF8.GetBytes(name, bytes);
        return bytes;
    }

    /// <summary>The zero-terminated name at an offset.</summary>
    public static string NameAt(ReadOnlySpan<byte> bytes, int offset, out int next)
    {
        int length = bytes[offset..].IndexOf((byte)0);
        length = length < 0 ? bytes.Length - offset : length;
        next = offset + length + 1;
        return Encoding.UTF8.GetString(bytes.Slice(offset, length));
    }
}
