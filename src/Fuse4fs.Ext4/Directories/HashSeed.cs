namespace Fuse4fs.Ext4.Directories;

/// <summary>Start state of the name hash: s_hash_seed of the superblock, or MD4's own when that is all zeros.</summary>
internal readonly record struct HashSeed(uint A, uint B, uint C, uint D)
{
    /// <summary>MD4's initial state. RFC 1320, section 3.3.</summary>
    private static readonly HashSeed Initial = new(0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476);

    /// <summary>The state to start from.</summary>
    public HashSeed OrInitial() => (A | B | C | D) == 0 ? Initial : this;
}
