namespace Fuse4fs.Ext4.Format;

/// <summary>s_flags of the superblock. Docs: ext4/super, "super_flags".</summary>
[Flags]
public enum SuperblockFlags : uint
{
    None = 0,

    /// <summary>Directory hashes treat name bytes as signed.</summary>
    SignedHash = 1,

    /// <summary>Directory hashes treat name bytes as unsigned.</summary>
    UnsignedHash = 2,
    TestFileSystem = 4,
}
