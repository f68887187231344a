namespace Fuse4fs.Linux;

/// <summary>MS_* flags of mount(2).</summary>
[Flags]
public enum MountFlags : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSetId = 2,
    NoDevices = 4,
    NoExecute = 8,
    Synchronous = 16,
    DirectorySync = 128,
    NoSymlinkFollow = 256,
    NoAccessTime = 1024,
    NoDirectoryAccessTime = 2048,
    RelativeAccessTime = 1 << 21,
    StrictAccessTime = 1 << 24,
    LazyTime = 1 << 25,
}
