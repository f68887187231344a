namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_IOMAP_CONFIG_*: which fields of the CONFIG reply count.</summary>
[Flags]
public enum ConfigFlags : ulong
{
    None = 0, Name = 1, Uuid = 2, BlockSize = 4, MaxLinks = 8, Time = 0x10, MaxBytes = 0x20, CacheMaxBytes = 0x40,
    All = 0x7F,
}
