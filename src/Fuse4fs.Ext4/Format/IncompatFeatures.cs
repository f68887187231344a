namespace Fuse4fs.Ext4.Format;

/// <summary>Features without which a volume cannot even be read. Docs: ext4/super, "incompatible features".</summary>
[Flags]
public enum IncompatFeatures : uint
{
    None = 0,
    Compression = 0x1,
    FileType = 0x2,

    /// <summary>The journal must be replayed before the metadata can be trusted.</summary>
    Recover = 0x4,

    /// <summary>This device is an external journal, not a file system.</summary>
    JournalDevice = 0x8,
    MetaBlockGroups = 0x10,
    Extents = 0x40,
    Bits64 = 0x80,
    MultipleMountProtection = 0x100,
    FlexibleGroups = 0x200,
    XattrInodes = 0x400,
    DirectoryData = 0x1000,
    ChecksumSeed = 0x2000,
    LargeDirectory = 0x4000,
    InlineData = 0x8000,
    Encrypt = 0x10000,
    Casefold = 0x20000,
}
