using System.Text;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>One 512-byte header of the ustar format. Numbers are octal digits ended by a zero byte; what does not fit
/// is left 0 here and said in an extended header.</summary>
internal sealed class TarHeader
{
    /// <summary>Bytes of a header and of every block of an archive.</summary>
    public const int BlockBytes = 512;

    /// <summary>Bytes of the name and linkname fields.</summary>
    public const int NameBytes = 100;

    private const int ChecksumOffset = 148;
    private readonly byte[] _block = new byte[BlockBytes];

    /// <summary>The finished header.</summary>
    public ReadOnlySpan<byte> Block => _block;

    /// <summary>Starts a header for a type; all fields but the magic are 0.</summary>
    public void Start(TarType type)
    {
        _block.AsSpan().Clear();
        _block[156] = (byte)type;
        "ustar\0"u8.CopyTo(_block.AsSpan(257));
        "00"u8.CopyTo(_block.AsSpan(263));
    }

    /// <summary>Up to <see cref="NameBytes"/> of the name.</summary>
    public void SetName(ReadOnlySpan<byte> name) => name[..Math.Min(name.Length, NameBytes)].CopyTo(_block);

    /// <summary>Up to <see cref="NameBytes"/> of the target.</summary>
    public void SetLinkName(ReadOnlySpan<byte> name) =>
        name[..Math.Min(name.Length, NameBytes)].CopyTo(_block.AsSpan(157));

    /// <summary>Permission bits.</summary>
    public void SetMode(int mode) => Octal(100, 8, mode);

    /// <summary>False when the number does not fit.</summary>
    public bool SetUserId(long id) => Octal(108, 8, id);

    /// <summary>False when the number does not fit.</summary>
    public bool SetGroupId(long id) => Octal(116, 8, id);

    /// <summary>False when the number does not fit.</summary>
    public bool SetSize(long bytes) => Octal(124, 12, bytes);

    /// <summary>False when the number does not fit.</summary>
    public bool SetModificationTime(long seconds) => Octal(136, 12, seconds);

    /// <summary>Numbers of a device node. ext4's 12 and 20 bits always fit.</summary>
    public void SetDevice(uint major, uint minor)
    {
        Octal(329, 8, major);
        Octal(337, 8, minor);
    }

    /// <summary>Fills the checksum: the sum of all bytes, its own field taken as blanks.</summary>
    public void Finish()
    {
        _block.AsSpan(ChecksumOffset, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte value in _block)
        {
            sum += value;
        }
        Octal(ChecksumOffset, 7, sum);
    }

    private bool Octal(int offset, int length, long value)
    {
        int digits = length - 1;
        bool fits = value >= 0 && value < 1L << (3 * digits);
        string text = Convert.ToString(fits ? value : 0, 8).PadLeft(digits, '0');
        Encoding.ASCII.GetBytes(text, _block.AsSpan(offset));
        _block[offset + digits] = 0;
        return fits;
    }
}
