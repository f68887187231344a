namespace Fuse4fs.Ext4.Format;

/// <summary>Features that an implementation may ignore. Docs: ext4/super, "compatible features".</summary>
[Flags]
public enum CompatFeatures : uint
{
    None = 0,
    DirectoryPreallocation = 0x1,
    ImagicInodes = 0x2,
    HasJournal = 0x4,
    ExtendedAttributes = 0x8,
    ResizeInode = 0x10,
    DirectoryIndex = 0x20,
    LazyGroups = 0x40,
    ExcludeInode = 0x80,
    ExcludeBitmap = 0x100,
    SparseSuper2 = 0x200,
    FastCommit = 0x400,
    StableInodes = 0x800,
    OrphanFile = 0x1000,
}
