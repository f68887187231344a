using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Fuse4fs.Testing.Trees;

/// <summary>SHA-256 of contents. Files too big to be read whole (sparse terabytes) are hashed by their blocks that are
/// not zero, found through their data ranges.</summary>
public static class ContentHash
{
    /// <summary>Reads into the buffer at an offset: the length, 0 at the end, or -errno.</summary>
    public delegate long ReadAt(Span<byte> buffer, long offset);

    private const long WholeBytes = 24 << 20;
    private const int ChunkBytes = 1 << 17;
    private const int BlockBytes = 4096;

    /// <summary>A short value as it is, a long one by its hash.</summary>
    public static string Describe(ReadOnlySpan<byte> value) =>
        value.Length <= 64 ? Convert.ToHexString(value) : "sha256 " + Convert.ToHexString(SHA256.HashData(value));

    /// <summary>The hash of a file's contents, or the error met.</summary>
    public static string Of(long sizeBytes, string ranges, ReadAt read)
    {
        ArgumentNullException.ThrowIfNull(read);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        bool isWhole = sizeBytes <= WholeBytes;
        IEnumerable<(long Start, long End)> parts = isWhole ? [(0, sizeBytes)] : DataRanges.Parse(ranges);
        foreach ((long start, long end) in parts)
        {
            long error = AddRange(hash, start, end, isWhole, read);
            if (error != 0)
            {
                return $"{error} in {start}-{end}";
            }
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static long AddRange(IncrementalHash hash, long start, long end, bool isWhole, ReadAt read)
    {
        byte[] buffer = new byte[ChunkBytes];
        for (long offset = start; offset < end;)
        {
            int wanted = (int)Math.Min(ChunkBytes, end - offset);
            long length = Fill(buffer.AsSpan(0, wanted), offset, read);
            if (length <= 0)
            {
                return length < 0 ? length : -1;
            }
            if (isWhole)
            {
                hash.AppendData(buffer.AsSpan(0, (int)length));
            }
            else
            {
                AddBlocks(hash, buffer.AsSpan(0, (int)length), offset);
            }
            offset += length;
        }
        return 0;
    }

    private static long Fill(Span<byte> buffer, long offset, ReadAt read)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            long length = read(buffer[filled..], offset + filled);
            if (length < 0)
            {
                return length;
            }
            if (length == 0)
            {
                break;
            }
            filled += (int)length;
        }
        return filled;
    }

    private static void AddBlocks(IncrementalHash hash, ReadOnlySpan<byte> data, long offset)
    {
        Span<byte> place = stackalloc byte[sizeof(long)];
        while (!data.IsEmpty)
        {
            ReadOnlySpan<byte> block = data[..Math.Min(BlockBytes, data.Length)];
            if (block.ContainsAnyExcept((byte)0))
            {
                BinaryPrimitives.WriteInt64LittleEndian(place, offset);
                hash.AppendData(place);
                hash.AppendData(block);
            }
            offset += block.Length;
            data = data[block.Length..];
        }
    }
}
