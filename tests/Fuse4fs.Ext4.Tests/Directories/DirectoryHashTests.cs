using Fuse4fs.Ext4.Directories;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Directories;

public sealed class DirectoryHashTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Random_names_hash_as_e2fsprogs_does(int version)
    {
        LibExt2Fs.SkipUnlessPresent();
        int start = Environment.TickCount;
        var random = new Random(start);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] name = new byte[random.Next(1, 256)];
            random.NextBytes(name);
            uint[] seed = round % 4 == 0 ? new uint[4] : RandomSeed(random);
            var expected = LibExt2Fs.Hash(version, seed, name, isFolded: false);
            NameHash found = DirectoryHash.Compute((HashVersion)version, Seed(seed), name);
            Assert.True(expected == (found.Major, found.Minor), $"seed {start}, name {Convert.ToHexString(name)}");
        }
    }

    [Fact]
    public void Every_code_point_folds_as_e2fsprogs_does()
    {
        LibExt2Fs.SkipUnlessPresent();
        byte[] name = new byte[4];
        for (int codePoint = 1; codePoint < 0x110000; codePoint++)
        {
            if (codePoint is < 0xD800 or > 0xDFFF)
            {
                int length = new System.Text.Rune(codePoint).EncodeToUtf8(name);
                AssertSameFoldedHash(name.AsSpan(0, length), $"U+{codePoint:X}");
            }
        }
    }

    [Fact]
    public void Random_sequences_fold_as_e2fsprogs_does()
    {
        LibExt2Fs.SkipUnlessPresent();
        int start = Environment.TickCount;
        var random = new Random(start);
        byte[] name = new byte[255];
        for (int round = 0; round < 100_000; round++)
        {
            int length = FillWithMarksAndLetters(random, name);
            AssertSameFoldedHash(name.AsSpan(0, length), $"seed {start}: {Convert.ToHexString(name, 0, length)}");
        }
    }

    [Fact]
    public void Broken_utf8_is_not_folded()
    {
        foreach (byte[] name in new byte[][] { [0xFF], [0x41, 0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x41, 0xE2, 0x82] })
        {
            Assert.False(NameFolding.TryFold(name, new byte[NameFolding.MaxFoldedBytes], out _));
        }
    }

    private static void AssertSameFoldedHash(ReadOnlySpan<byte> name, string what)
    {
        uint[] seed = [1, 2, 3, 4];
        var expected = LibExt2Fs.Hash(4, seed, name, isFolded: true);
        byte[] folded = new byte[NameFolding.MaxFoldedBytes];
        ReadOnlySpan<byte> hashed = NameFolding.TryFold(name, folded, out int length) ? folded.AsSpan(0, length) : name;
        NameHash found = DirectoryHash.Compute(HashVersion.HalfMd4Unsigned, Seed(seed), hashed);
        Assert.True(expected == (found.Major, found.Minor), what);
    }

    /// <summary>Letters, combining marks of many classes, ignorable code points, Hangul, CJK: whatever
    /// interacts.</summary>
    private static int FillWithMarksAndLetters(Random random, byte[] name)
    {
        int length = 0;
        int wanted = random.Next(1, 60);
        while (wanted-- > 0)
        {
            int codePoint = random.Next(9) switch
            {
                0 => random.Next(0x20, 0x7F),
                1 => random.Next(0xA0, 0x250),
                2 or 3 or 4 => random.Next(0x300, 0x370),
                5 => random.Next(0x1E00, 0x2000),
                6 => random.Next(0xAC00, 0xD7B0),
                7 => random.Next(2) == 0 ? 0x200D : 0x34F,
                _ => random.Next(0x370, 0x2000),
            };
            length += new System.Text.Rune(codePoint).EncodeToUtf8(name.AsSpan(length));
        }
        return length;
    }

    private static HashSeed Seed(uint[] words) => new(words[0], words[1], words[2], words[3]);

    private static uint[] RandomSeed(Random random) =>
        [(uint)random.Next(), (uint)random.Next(), (uint)random.Next(), (uint)random.Next()];
}
