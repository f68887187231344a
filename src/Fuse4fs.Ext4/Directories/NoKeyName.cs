using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace Fuse4fs.Ext4.Directories;

/// <summary>How a name of an encrypted directory is shown to those who have no key.</summary>
/// <remarks>base64url, unpadded, of: major and minor hash (host byte order, little-endian here), then the ciphertext;
/// of a long ciphertext its first 149 bytes and the SHA-256 of the rest. Kernel: struct fscrypt_nokey_name.</remarks>
internal readonly ref struct NoKeyName
{
    /// <summary>Longest encoded form, bytes.</summary>
    public const int MaxEncodedBytes = 252;

    /// <summary>FSCRYPT_FNAME_MIN_MSG_LEN: shorter ciphertexts do not exist.</summary>
    public const int MinCiphertextBytes = 16;

    private const int HashBytes = 8;
    private const int PrefixBytes = 149;
    private const int LongBytes = HashBytes + PrefixBytes + SHA256.HashSizeInBytes;

    private readonly ReadOnlySpan<byte> _decoded;

    private NoKeyName(ReadOnlySpan<byte> decoded) => _decoded = decoded;

    /// <summary>The hash that leads to the entry; zeros when the listing knew none.</summary>
    public NameHash Hash => new(
        BinaryPrimitives.ReadUInt32LittleEndian(_decoded), BinaryPrimitives.ReadUInt32LittleEndian(_decoded[4..]));

    /// <summary>The whole ciphertext; empty when it is too long to be in the name.</summary>
    public ReadOnlySpan<byte> Ciphertext => _decoded.Length == LongBytes ? default : _decoded[HashBytes..];

    /// <summary>Encodes a ciphertext.</summary>
    /// <param name="hash">Of the directory index; zeros where there is none.</param>
    /// <param name="ciphertext">The name as stored.</param>
    /// <param name="destination">At least <see cref="MaxEncodedBytes"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int Encode(NameHash hash, ReadOnlySpan<byte> ciphertext, Span<byte> destination)
    {
        Span<byte> raw = stackalloc byte[LongBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(raw, hash.Major);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[4..], hash.Minor);
        int length = HashBytes + ciphertext.Length;
        if (ciphertext.Length <= PrefixBytes)
        {
            ciphertext.CopyTo(raw[HashBytes..]);
        }
        else
        {
            ciphertext[..PrefixBytes].CopyTo(raw[HashBytes..]);
            SHA256.HashData(ciphertext[PrefixBytes..], raw[(HashBytes + PrefixBytes)..]);
            length = LongBytes;
        }
        return Base64Url.EncodeToUtf8(raw[..length], destination);
    }

    /// <summary>Decodes what a caller asks for.</summary>
    /// <param name="name">The name as listed.</param>
    /// <param name="buffer">At least <see cref="MaxEncodedBytes"/>; the result lives in it.</param>
    /// <param name="decoded">Valid only with true.</param>
    /// <returns>False when no listing can have shown such a name.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> name, Span<byte> buffer, out NoKeyName decoded)
    {
        decoded = default;
        if (name.Length > MaxEncodedBytes
            || Base64Url.DecodeFromUtf8(name, buffer, out _, out int length) != OperationStatus.Done)
        {
            return false;
        }
        if (length is <= HashBytes or (> HashBytes + PrefixBytes and not LongBytes))
        {
            return false;
        }
        Span<byte> canonical = stackalloc byte[MaxEncodedBytes]; // the decoder also takes padding and blanks
        if (!name.SequenceEqual(canonical[..Base64Url.EncodeToUtf8(buffer[..length], canonical)]))
        {
            return false;
        }
        decoded = new NoKeyName(buffer[..length]);
        return true;
    }

    /// <summary>Whether this is the name of that ciphertext.</summary>
    public bool Matches(ReadOnlySpan<byte> ciphertext)
    {
        if (_decoded.Length != LongBytes)
        {
            return ciphertext.SequenceEqual(_decoded[HashBytes..]);
        }
        if (ciphertext.Length <= PrefixBytes
            || !ciphertext[..PrefixBytes].SequenceEqual(_decoded.Slice(HashBytes, PrefixBytes)))
        {
            return false;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(ciphertext[PrefixBytes..], hash);
        return hash.SequenceEqual(_decoded[(HashBytes + PrefixBytes)..]);
    }
}
