namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>What a stretch of an image holds, as far as it decides how it is mutated and which checksum covers
/// it.</summary>
internal enum StructureKind
{
    Superblock,
    GroupDescriptor,
    Inode,
    ExtentBlock,
    IndirectBlock,
    DirectoryLeaf,
    DirectoryIndex,
    XattrBlock,
    XattrValue,
    JournalSuperblock,
    JournalBlock,
    Bitmap,
}
