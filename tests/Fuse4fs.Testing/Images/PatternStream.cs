namespace Fuse4fs.Testing.Images;

/// <summary>Pseudo-random bytes that are the same on every machine and in every version of .NET (xorshift).</summary>
public struct PatternStream(ulong seed)
{
    private ulong _state = (seed * 0x9E3779B97F4A7C15) | 1;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return _state;
    }

    /// <summary>A number below a limit.</summary>
    public int Below(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>Fills a buffer.</summary>
    public void Fill(Span<byte> buffer)
    {
        ulong word = 0;
        for (int index = 0; index < buffer.Length; index++)
        {
            if (index % 8 == 0)
            {
                word = Next();
            }
            buffer[index] = (byte)(word >> (index % 8 * 8));
        }
    }
}
