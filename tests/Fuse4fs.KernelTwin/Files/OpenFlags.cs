namespace Fuse4fs.KernelTwin.Files;

/// <summary>O_* of x86-64.</summary>
public static class OpenFlags
{
    public const uint ReadOnly = 0;
    public const uint WriteOnly = 1;
    public const uint ReadWrite = 2;
    public const uint AccessMask = 3;
    public const uint Create = 0x40;
    public const uint Exclusive = 0x80;
    public const uint Truncate = 0x200;
    public const uint Append = 0x400;
    public const uint DataSync = 0x1000;
    public const uint Direct = 0x4000;
    public const uint Directory = 0x10000;
    public const uint NoFollow = 0x20000;

    /// <summary>O_LARGEFILE, which every 64-bit open has.</summary>
    public const uint LargeFile = 0x8000;
    public const uint TemporaryFile = 0x400000 | Directory;
}
