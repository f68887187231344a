using System.Numerics;
using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Directories;

/// <summary>The hashes of a directory index. Docs: ext4/directory, "Hash Tree Directories". Kernel:
/// ext4fs_dirhash.</summary>
/// <remarks>Half MD4 is MD4 (RFC 1320) cut to 8 words and 3 rounds of 8 steps; TEA is the cipher of Wheeler and
/// Needham, 16 cycles, the name as its key. Both are chained over the name's pieces.</remarks>
internal static class DirectoryHash
{
    private const int HalfMd4Words = 8;
    private const int TeaWords = 4;

    /// <summary>Major hash that means "end of directory" and is therefore never given to a name.</summary>
    private const uint EndOfDirectory = 0xFFFFFFFE;

    private static ReadOnlySpan<byte> WordOrder =>
    [
        0, 1, 2, 3, 4, 5, 6, 7,
        1, 3, 5, 7, 0, 2, 4, 6,
        3, 7, 2, 6, 1, 5, 0, 4,
    ];

    /// <summary>Hashes a name (the folded one in casefolded directories).</summary>
    /// <param name="version">What the directory's root names, made unsigned where the superblock says so.</param>
    /// <param name="seed">From the superblock.</param>
    /// <param name="name">Bytes of the name.</param>
    /// <exception cref="ArgumentOutOfRangeException">A keyed hash or an unknown one: the caller has checked
    /// that.</exception>
    public static NameHash Compute(HashVersion version, HashSeed seed, ReadOnlySpan<byte> name)
    {
        NameHash hash = version switch
        {
            HashVersion.Legacy => new NameHash(Legacy(name, isSigned: true), 0),
            HashVersion.LegacyUnsigned => new NameHash(Legacy(name, isSigned: false), 0),
            HashVersion.HalfMd4 => HalfMd4(seed.OrInitial(), name, isSigned: true),
            HashVersion.HalfMd4Unsigned => HalfMd4(seed.OrInitial(), name, isSigned: false),
            HashVersion.Tea => Tea(seed.OrInitial(), name, isSigned: true),
            HashVersion.TeaUnsigned => Tea(seed.OrInitial(), name, isSigned: false),
            _ => throw new ArgumentOutOfRangeException(nameof(version)),
        };
        uint major = hash.Major & ~1u;
        return new NameHash(major == EndOfDirectory ? EndOfDirectory - 2 : major, hash.Minor);
    }

    private static uint Legacy(ReadOnlySpan<byte> name, bool isSigned)
    {
        unchecked
        {
            uint last = 0x12A3FE2D;
            uint before = 0x37ABE8F9;
            foreach (byte value in name)
            {
                int widened = isSigned ? (sbyte)value : value;
                uint next = before + (last ^ (uint)(widened * 7152373));
                if ((next & 0x80000000) != 0)
                {
                    next -= 0x7FFFFFFF;
                }
                (before, last) = (last, next);
            }
            return last << 1;
        }
    }

    private static NameHash HalfMd4(HashSeed seed, ReadOnlySpan<byte> name, bool isSigned)
    {
        Span<uint> words = stackalloc uint[HalfMd4Words];
        (uint a, uint b, uint c, uint d) = seed;
        while (!name.IsEmpty)
        {
            FillWords(words, name, isSigned);
            HalfMd4Block(words, ref a, ref b, ref c, ref d);
            name = name[Math.Min(name.Length, HalfMd4Words * sizeof(uint))..];
        }
        return new NameHash(b, c);
    }

    private static void HalfMd4Block(ReadOnlySpan<uint> words, ref uint a, ref uint b, ref uint c, ref uint d)
    {
        unchecked
        {
            (uint w, uint x, uint y, uint z) = (a, b, c, d);
            ReadOnlySpan<byte> order = WordOrder;
            for (int i = 0; i < 8; i += 4)
            {
                w = BitOperations.RotateLeft(w + Choose(x, y, z) + words[order[i]], 3);
                z = BitOperations.RotateLeft(z + Choose(w, x, y) + words[order[i + 1]], 7);
                y = BitOperations.RotateLeft(y + Choose(z, w, x) + words[order[i + 2]], 11);
                x = BitOperations.RotateLeft(x + Choose(y, z, w) + words[order[i + 3]], 19);
            }
            const uint secondRound = 0x5A827999;
            for (int i = 8; i < 16; i += 4)
            {
                w = BitOperations.RotateLeft(w + Majority(x, y, z) + words[order[i]] + secondRound, 3);
                z = BitOperations.RotateLeft(z + Majority(w, x, y) + words[order[i + 1]] + secondRound, 5);
                y = BitOperations.RotateLeft(y + Majority(z, w, x) + words[order[i + 2]] + secondRound, 9);
                x = BitOperations.RotateLeft(x + Majority(y, z, w) + words[order[i + 3]] + secondRound, 13);
            }
            const uint thirdRound = 0x6ED9EBA1;
            for (int i = 16; i < 24; i += 4)
            {
                w = BitOperations.RotateLeft(w + (x ^ y ^ z) + words[order[i]] + thirdRound, 3);
                z = BitOperations.RotateLeft(z + (w ^ x ^ y) + words[order[i + 1]] + thirdRound, 9);
                y = BitOperations.RotateLeft(y + (z ^ w ^ x) + words[order[i + 2]] + thirdRound, 11);
                x = BitOperations.RotateLeft(x + (y ^ z ^ w) + words[order[i + 3]] + thirdRound, 15);
            }
            a += w;
            b += x;
            c += y;
            d += z;
        }
    }

    private static NameHash Tea(HashSeed seed, ReadOnlySpan<byte> name, bool isSigned)
    {
        Span<uint> key = stackalloc uint[TeaWords];
        uint left = seed.A;
        uint right = seed.B;
        while (!name.IsEmpty)
        {
            FillWords(key, name, isSigned);
            unchecked
            {
                const uint delta = 0x9E3779B9;
                (uint y, uint z) = (left, right);
                uint sum = 0;
                for (int cycle = 0; cycle < 16; cycle++)
                {
                    sum += delta;
                    y += ((z << 4) + key[0]) ^ (z + sum) ^ ((z >> 5) + key[1]);
                    z += ((y << 4) + key[2]) ^ (y + sum) ^ ((y >> 5) + key[3]);
                }
                left += y;
                right += z;
            }
            name = name[Math.Min(name.Length, TeaWords * sizeof(uint))..];
        }
        return new NameHash(left, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Choose(uint x, uint y, uint z) => (x & y) | (~x & z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Majority(uint x, uint y, uint z) => (x & y) | (x & z) | (y & z);

    /// <summary>Packs the next piece of the name into words, high byte first, padded with the length that was
    /// left.</summary>
    private static void FillWords(Span<uint> words, ReadOnlySpan<byte> rest, bool isSigned)
    {
        unchecked
        {
            uint padding = (uint)rest.Length | ((uint)rest.Length << 8); // folded names may be longer than a byte tells
            padding |= padding << 16;
            int at = 0;
            for (int i = 0; i < words.Length; i++)
            {
                uint word = padding;
                for (int end = Math.Min(rest.Length, at + sizeof(uint)); at < end; at++)
                {
                    int widened = isSigned ? (sbyte)rest[at] : rest[at];
                    word = (uint)widened + (word << 8);
                }
                words[i] = word;
            }
        }
    }
}
