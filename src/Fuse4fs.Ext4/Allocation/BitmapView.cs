using System.Buffers.Binary;
using System.Numerics;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>A block or inode bitmap in place: bit n is bit n % 8 of byte n / 8, set means used.</summary>
/// <remarks>Docs: ext4/bitmaps. The length is a multiple of 8 bytes, as every block's is.</remarks>
internal readonly ref struct BitmapView(Span<byte> bytes)
{
    private const int WordBits = 64;

    private readonly Span<byte> _bytes = bytes;

    /// <summary>Whether one bit is set.</summary>
    public bool this[int bit] => (_bytes[bit >> 3] & (1 << (bit & 7))) != 0;

    /// <summary>First clear bit at or after <paramref name="from"/>; <paramref name="end"/> when there is
    /// none.</summary>
    public int NextClear(int from, int end) => Next(from, end, ulong.MaxValue);

    /// <summary>First set bit at or after <paramref name="from"/>; <paramref name="end"/> when there is none.</summary>
    public int NextSet(int from, int end) => Next(from, end, 0);

    /// <summary>First bit of the clear run that holds the clear bit <paramref name="bit"/>.</summary>
    public int RunStart(int bit)
    {
        int word = bit / WordBits;
        ulong below = Word(word) & ((1UL << (bit % WordBits)) - 1);
        while (below == 0)
        {
            if (word == 0)
            {
                return 0;
            }
            below = Word(--word);
        }
        return (word * WordBits) + WordBits - BitOperations.LeadingZeroCount(below);
    }

    /// <summary>Clear bits from <paramref name="from"/> up to <paramref name="end"/>.</summary>
    public int CountClear(int from, int end)
    {
        int clear = 0;
        while (from < end)
        {
            int offset = from % WordBits;
            int take = Math.Min(WordBits - offset, end - from);
            ulong mask = (take == WordBits ? ulong.MaxValue : (1UL << take) - 1) << offset;
            clear += BitOperations.PopCount(~Word(from / WordBits) & mask);
            from += take;
        }
        return clear;
    }

    /// <summary>True when no bit of the range is set.</summary>
    public bool IsClear(int start, int length) => NextSet(start, start + length) == start + length;

    /// <summary>True when every bit of the range is set.</summary>
    public bool IsSet(int start, int length) => NextClear(start, start + length) == start + length;

    /// <summary>Sets the bits of a range.</summary>
    public void Set(int start, int length)
    {
        (int firstByte, int lastByte, byte firstMask, byte lastMask) = Bounds(start, length);
        if (firstByte == lastByte)
        {
            _bytes[firstByte] |= (byte)(firstMask & lastMask);
            return;
        }
        _bytes[firstByte] |= firstMask;
        _bytes[(firstByte + 1)..lastByte].Fill(byte.MaxValue);
        _bytes[lastByte] |= lastMask;
    }

    /// <summary>Clears the bits of a range.</summary>
    public void Clear(int start, int length)
    {
        (int firstByte, int lastByte, byte firstMask, byte lastMask) = Bounds(start, length);
        if (firstByte == lastByte)
        {
            _bytes[firstByte] &= (byte)(0xFF ^ (firstMask & lastMask));
            return;
        }
        _bytes[firstByte] &= (byte)(0xFF ^ firstMask);
        _bytes[(firstByte + 1)..lastByte].Clear();
        _bytes[lastByte] &= (byte)(0xFF ^ lastMask);
    }

    private static (int FirstByte, int LastByte, byte FirstMask, byte LastMask) Bounds(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        int last = start + length - 1;
        return (start >> 3, last >> 3, (byte)(0xFF << (start & 7) & 0xFF), (byte)(0xFF >> (7 - (last & 7))));
    }

    private int Next(int from, int end, ulong uninteresting)
    {
        if (from >= end)
        {
            return end;
        }
        int word = from / WordBits;
        ulong found = (Word(word) ^ uninteresting) & (ulong.MaxValue << (from % WordBits));
        while (found == 0)
        {
            word++;
            if (word * WordBits >= end)
            {
                return end;
            }
            found = Word(word) ^ uninteresting;
        }
        return Math.Min(end, (word * WordBits) + BitOperations.TrailingZeroCount(found));
    }

    private ulong Word(int index) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[(index * 8)..]);
}
