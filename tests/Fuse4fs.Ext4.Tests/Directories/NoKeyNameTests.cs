using System.Text;
using Fuse4fs.Ext4.Directories;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

public sealed class NoKeyNameTests
{
    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(149)]
    [InlineData(150)]
    [InlineData(255)]
    public void A_listed_name_finds_its_ciphertext_and_no_other(int length)
    {
        var random = new Random(length);
        byte[] ciphertext = new byte[length];
        random.NextBytes(ciphertext);
        var hash = new NameHash(0x12345678, 0x9ABCDEF0);
        byte[] listed = new byte[NoKeyName.MaxEncodedBytes];
        int listedLength = NoKeyName.Encode(hash, ciphertext, listed);
        byte[] buffer = new byte[NoKeyName.MaxEncodedBytes];
        Assert.True(NoKeyName.TryDecode(listed.AsSpan(0, listedLength), buffer, out NoKeyName decoded));
        Assert.Equal(hash, decoded.Hash);
        Assert.True(decoded.Matches(ciphertext));
        ciphertext[length - 1] ^= 1;
        Assert.False(decoded.Matches(ciphertext));
    }

    /// <summary>By definition: two zero words, then the ciphertext, in the alphabet of RFC 4648, section 5.</summary>
    [Fact]
    public void The_encoding_is_unpadded_base64url()
    {
        byte[] ciphertext = [.. Enumerable.Range(0, 16).Select(value => (byte)(255 - value))];
        byte[] listed = new byte[NoKeyName.MaxEncodedBytes];
        int length = NoKeyName.Encode(default, ciphertext, listed);
        string expected = Convert.ToBase64String([.. new byte[8], .. ciphertext])
            .TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Assert.Equal(expected, Encoding.ASCII.GetString(listed, 0, length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAAAAAAAAA")]
    [InlineData("not/base64")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("AAAA AAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")]
    public void Names_no_listing_shows_are_refused(string name) =>
        Assert.False(NoKeyName.TryDecode(Encoding.UTF8.GetBytes(name), new byte[NoKeyName.MaxEncodedBytes], out _));
}
