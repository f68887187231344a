namespace Fuse4fs.Ext4.Storage;

/// <summary>FALLOC_FL_*: what fallocate(2) is to do. Source: linux/falloc.h.</summary>
[Flags]
public enum FallocateMode
{
    Allocate = 0,
    KeepSize = 1,
    PunchHole = 2,
    CollapseRange = 8,
    ZeroRange = 0x10,
    InsertRange = 0x20,
    UnshareRange = 0x40,
}
