namespace Fuse4fs.Ext4.Format;

/// <summary>The type bits of a mode (S_IFMT). Docs: ext4/inodes, "i_mode".</summary>
public enum FileKind : ushort
{
    None = 0,
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    Symlink = 0xA000,
    Socket = 0xC000,
    Mask = 0xF000,
}
